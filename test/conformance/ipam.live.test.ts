import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { pool } from "../live/conf.ts";
import { emptyStore, storeOf, tamperStore } from "../live/node.ts";
import { add, refused, succeed, withPrevResult } from "../live/plugin.ts";
import { addresses, del, freeAll, fresh, ipamNode, of, small, useIpam } from "./ipam-scene.ts";
import { versions } from "./raw-call.ts";

/* IPAM, by topics of the tests of the reference's host-local; what is asked for by name is in ipam-requested. */

useIpam();

describe("allocation", () => {
  test("is by container and interface: each has its own", async () => {
    const conf = fresh();
    expect(await addresses(conf, of("c1", { ifname: "eth0" }))).toEqual(["192.168.1.1/19"]);
    expect(await addresses(conf, of("c1", { ifname: "eth1" }))).toEqual(["192.168.1.2/19"]);
    expect(await addresses(conf, of("c2", { ifname: "eth0" }))).toEqual(["192.168.1.3/19"]);
    await del(conf, of("c1", { ifname: "eth0" }));
    for (const ifname of ["eth0", "eth1"])
      await succeed(ipamNode(), "DEL", conf, of(ifname === "eth0" ? "c2" : "c1", { ifname }));
    expect(storeOf(ipamNode())).toEqual(emptyStore);
  });

  test("is by network: the same container may be on several", async () => {
    const [a, b] = [fresh(), fresh()];
    expect(await addresses(a, of("c1"))).toEqual(await addresses(b, of("c1")));
    await del(a, of("c1"));
    await del(b, of("c1"));
  });

  test("that is repeated is refused, and the first keeps its address", async () => {
    const conf = fresh();
    const result = await add(ipamNode(), conf, of("c1"));
    expect(await refused(ipamNode(), "ADD", conf, of("c1"))).toMatchObject({ code: 105 });
    await succeed(ipamNode(), "CHECK", withPrevResult(conf, result), of("c1"));
    await del(conf, of("c1"));
  });

  test("of one address of each family, told apart by NIC where masters are named", async () => {
    const conf = fresh(pool([4, 6]), { masters: ["eth1", "eth2"] });
    const { ips } = await add(ipamNode(), conf, of("c1"));
    expect(ips).toEqual([
      { address: "192.168.1.1/19", interface: 0 },
      { address: "fd10:0:0:100::1/51", interface: 0 },
      { address: "192.168.33.1/19", interface: 1 },
      { address: "fd10:0:0:2100::1/51", interface: 1 },
    ]);
    await del(conf, of("c1"));
  });

  test("of many at once gives each another", async () => {
    const conf = fresh();
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => addresses(conf, of(`c${i}`))));
    expect(new Set(all.flat()).size).toBe(20);
    await freeAll(conf);
    expect(storeOf(ipamNode())).toEqual(emptyStore);
  });
});

describe("iteration", () => {
  /** Gives `n` addresses, each freed before the next is asked for. */
  async function turn(conf: JsonObject, n: number): Promise<string[]> {
    const given: string[] = [];
    for (let i = 0; i < n; i++) {
      given.push(...(await addresses(conf, of(`turn${i}`))));
      await del(conf, of(`turn${i}`));
    }
    return given.map((text) => text.split("/")[0] ?? "");
  }
  const last = (text: string) => text.split(/[.:]/).at(-1) ?? "";

  test.each<[string, JsonObject, string[]]>([
    [
      "begins behind the network's address, ends before the broadcast address, and begins again",
      small("10.9.0.0/29"),
      ["1", "2", "3", "4", "5", "6", "1", "2"],
    ],
    [
      "goes round excludes at the begin",
      small("10.9.0.0/29", { excludeCIDRs: ["10.9.0.0/31"] }),
      ["2", "3", "4", "5", "6", "2"],
    ],
    [
      "goes round excludes in the middle",
      small("10.9.0.0/29", { excludeCIDRs: ["10.9.0.2/31"] }),
      ["1", "4", "5", "6", "1"],
    ],
    [
      "goes round excludes at the end",
      small("10.9.0.0/29", { excludeCIDRs: ["10.9.0.6/31"] }),
      ["1", "2", "3", "4", "5", "1"],
    ],
    [
      "goes round excludes that overlap",
      small("10.9.0.0/29", { excludeCIDRs: ["10.9.0.2/31", "10.9.0.3/32", "10.9.0.0/30"] }),
      ["4", "5", "6", "4"],
    ],
    ["goes round the gateway", small("10.9.0.0/29", { gateway: "10.9.0.1" }), ["2", "3", "4", "5", "6", "2"]],
    ["leaves out the first address alone in IPv6", small("fd09::/126"), ["1", "2", "3", "1"]],
  ])("%s", async (_, conf, expected) => {
    expect((await turn(conf, expected.length)).map(last)).toEqual(expected);
  });

  test("after it wraps leaves out what is in use", async () => {
    const conf = small("10.9.0.0/29");
    for (const i of [1, 2, 3, 4, 5, 6]) await addresses(conf, of(`c${i}`));
    for (const i of [2, 5, 4]) await del(conf, of(`c${i}`));
    const again = [
      await addresses(conf, of("d1")),
      await addresses(conf, of("d2")),
      await addresses(conf, of("d3")),
    ];
    expect(
      again
        .flat()
        .map((text) => last(text.split("/")[0] ?? ""))
        .sort(),
    ).toEqual(["2", "4", "5"]);
    const error = await refused(ipamNode(), "ADD", conf, of("d4"));
    expect(error).toMatchObject({ code: 104 });
    expect(error.msg).toMatch(
      /^no free address in 10\.9\.0\.0\/29 \(network "ipam-\d+".*: all 6 are leased; delete pods/,
    );
    await freeAll(conf);
  });
});

describe("pools that overlap or are none", () => {
  test.each<[string, JsonObject, RegExp]>([
    ["two subnets of a family", { subnet: ["10.0.0.0/16", "10.0.128.0/17"] }, /both IPv4; give at most one/],
    ["a subnet with host bits", { subnet: "10.0.0.1/16" }, /host bits set; write "10\.0\.0\.0\/16"/],
    ["an exclude outside", pool([4], { excludeCIDRs: ["10.0.0.0/8"] }), /"10\.0\.0\.0\/8" is outside/],
    [
      "two gateways of one block",
      pool([4], { gateway: ["192.168.1.1", "192.168.1.2"] }),
      /both in 192\.168\.0\.0\/19/,
    ],
    ["blocks that do not fit", pool([4], { hostBlock: 20 }), /do not fit/],
    ["a host that there is no room for", pool([4], { hostIndex: 32 }), /32 is outside 0\.\.31/],
    ["no host index", pool([4], { hostIndex: undefined }), /ipam\.hostIndex: missing/],
  ])("%s: ADD is refused", async (_, more, says) => {
    expect(await refused(ipamNode(), "ADD", fresh(more), of("c1"))).toMatchObject({
      code: 7,
      msg: expect.stringMatching(says),
    });
    expect(storeOf(ipamNode())).toEqual(emptyStore);
  });

  test("the blocks of two hosts and of two NICs have no address in common", async () => {
    const given: string[] = [];
    for (const [hostIndex, interfaceIndex] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]) {
      const more = { hostIndex, interfaceIndex, interfaceBlock: 1, hostBlock: 1 };
      const conf = fresh({ subnet: "10.9.0.0/28", ipam: { type: "multi-nic-ipam", ...more } });
      for (const i of [0, 1]) given.push(...(await addresses(conf, of(`c${i}`))));
      expect(await refused(ipamNode(), "ADD", conf, of("c2"))).toMatchObject({ code: 104 });
      await freeAll(conf);
    }
    expect(new Set(given).size).toBe(8);
  });
});

describe("verbs", () => {
  test("DEL of what is unknown succeeds, with or without a namespace, and frees nothing", async () => {
    const conf = fresh();
    await add(ipamNode(), conf, of("c1"));
    await del(conf, of("unknown"));
    await del(conf, of("c1", { ifname: "other" }));
    await del(conf, of("unknown", { netns: "" }));
    await del({ ...conf, name: "another" }, of("c1"));
    expect(storeOf(ipamNode()).attachments).toEqual(["c1 net1"]);
    await del(conf, of("c1", { netns: "" }));
    expect(storeOf(ipamNode())).toEqual(emptyStore);
  });

  test.each<[string, string | undefined]>([
    ["the lease is gone", "DELETE FROM leases"],
    ["the record is gone", "DELETE FROM leases; DELETE FROM attachments"],
    ["the lease is of another address", "UPDATE leases SET address = 'c0a80105' WHERE family = 4"],
    ["the lease of one family is gone", "DELETE FROM leases WHERE family = 6"],
  ])("CHECK finds that %s", async (_, sql) => {
    const conf = fresh(pool([4, 6]));
    const checked = withPrevResult(conf, await add(ipamNode(), conf, of("c1")));
    await succeed(ipamNode(), "CHECK", checked, of("c1"));
    tamperStore(ipamNode(), sql ?? "");
    expect(await refused(ipamNode(), "CHECK", checked, of("c1"))).toMatchObject({ code: 106 });
    await del(conf, of("c1"));
  });

  test("CHECK of a record without the addresses, as older releases made it, goes by the leases", async () => {
    const conf = fresh();
    const checked = withPrevResult(conf, await add(ipamNode(), conf, of("c1")));
    tamperStore(ipamNode(), "UPDATE attachments SET plan = ''");
    await succeed(ipamNode(), "CHECK", checked, of("c1"));
    tamperStore(ipamNode(), "UPDATE attachments SET plan = '{}'");
    expect(await refused(ipamNode(), "CHECK", checked, of("c1"))).toMatchObject({ code: 5 });
    await del(conf, of("c1"));
    expect(storeOf(ipamNode())).toEqual(emptyStore);
  });

  test.each(versions)("of %s are served as it has them, with a result in its shape", async (cniVersion) => {
    const conf = fresh(pool([4, 6], { routes: [{ dst: "10.77.0.0/16", mtu: 1400 }] }), { cniVersion });
    const result = await succeed(ipamNode(), "ADD", conf, of("c1"));
    const route = { dst: "10.77.0.0/16", ...(cniVersion === "1.1.0" ? { mtu: 1400 } : {}) };
    const [v4, v6] = ["192.168.1.1/19", "fd10:0:0:100::1/51"];
    const version = (family: string) => (cniVersion < "1.0.0" ? { version: family } : {});
    const ips = [
      { ...version("4"), address: v4 },
      { ...version("6"), address: v6 },
    ];
    const shape =
      cniVersion < "0.3.0" ? { ip4: { ip: v4, routes: [route] }, ip6: { ip: v6 } } : { ips, routes: [route] };
    expect(result).toEqual({ cniVersion, ...shape, dns: {} });
    if (cniVersion >= "0.4.0") await succeed(ipamNode(), "CHECK", { ...conf, prevResult: result }, of("c1"));
    await del({ ...conf, prevResult: result }, of("c1"));
    expect(storeOf(ipamNode())).toEqual(emptyStore);
  });
});
