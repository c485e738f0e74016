import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { conf, firstAddress, pool } from "../live/conf.ts";
import { makeFakeIpam } from "../live/fake-ipam.ts";
import { addressesOf, kernelState, routesOf, rulesOf } from "../live/kernel-state.ts";
import { add, bin, call, cniPath, refused, succeed, withPrevResult } from "../live/plugin.ts";
import { at, here, ifnamesOf, network, useScene, valid } from "../live/scene.ts";
import { everything, mastersOf } from "./defects-scene.ts";

/* What the Go system multi-nic-cni (1.3.2) does wrong, by its numbers; each is a row that fails where ours does it too. The last five. */

useScene();

describe("defect 6", () => {
  test("an IPAM that answers for the second NIC alone does not have its address put on the first", async () => {
    using ipam = makeFakeIpam(
      `echo '{"cniVersion":"1.1.0","ips":[{"address":"10.5.0.2/24","interface":1}]}'`,
    );
    const asked = network({ multiNICIPAM: true, ipam: { type: ipam.type } });
    const error = await refused(here().node, "ADD", asked, { ...at(), path: `${bin}:${ipam.folder}` });
    expect(error).toMatchObject({ code: 102, msg: expect.stringMatching(/gave no address for eth1/) });
    expect(kernelState(here().pod)).toEqual(here().empty);
  });

  test("an address asked for the second NIC is on the second NIC", async () => {
    await add(here().node, network(), { ...at(), args: "IP=192.168.33.77" });
    expect(addressesOf(here().pod, "net1-0")).toEqual([firstAddress(4, 0)]);
    expect(addressesOf(here().pod, "net1-1")).toEqual(["192.168.33.77/19"]);
  });
});

describe("defect 7", () => {
  test("two NICs on one subnet are two NICs", async () => {
    here().node.host.ip("addr flush dev eth2");
    here().node.host.ip("addr add 10.1.0.99/24 dev eth2");
    const { ips } = await add(here().node, network({ masters: [], masterNets: ["10.1.0.0/24"] }), at());
    expect(mastersOf()).toEqual(["eth1", "eth2"]);
    expect(new Set(ips.map(({ address }) => address)).size).toBe(2);
  });

  test("a NIC that was removed is no longer chosen, and one that is named is said to be missing", async () => {
    const asked = network({ masters: [], masterNets: ["10.1.0.0/24", "10.2.0.0/24"] });
    await add(here().node, asked, at());
    await succeed(here().node, "DEL", asked, at());
    here().node.host.ip("link del eth2");
    const byName = await refused(here().node, "ADD", network(), at());
    expect(byName.msg).toMatch(/"eth2" is no link of this host/);
    await add(here().node, asked, at());
    expect(mastersOf()).toEqual(["eth1"]);
  });

  test("the same NICs are chosen in the same order every time", async () => {
    const masterNets = ["10.2.0.0/24", "10.1.0.0/24"];
    const asked = network({ masters: [], masterNets });
    for (let i = 0; i < 3; i++) {
      await add(here().node, asked, at());
      expect(mastersOf()).toEqual(["eth2", "eth1"]);
      await succeed(here().node, "DEL", asked, at());
    }
  });
});

describe("defect 8", () => {
  const routed = (name: string, more: JsonObject = {}) =>
    network({ name, ...pool([4], { routes: [{ dst: "10.60.0.0/16" }] }), ...more });

  test("an attachment that comes or goes leaves the routes and rules of the others as they are", async () => {
    await add(here().node, routed("n1"), at());
    const before = kernelState(here().pod);
    const second = { ...at(), ifname: "net2" };
    const subnet = "172.20.0.0/16";
    const other = { ...routed("n2"), ...pool([4], { routes: [{ dst: "10.61.0.0/16" }] }), subnet };
    await add(here().node, other, second);
    const tables = rulesOf(here().pod, 4).map(({ table }) => table);
    expect(new Set(tables).size).toBe(7);
    await succeed(here().node, "DEL", other, second);
    expect(kernelState(here().pod)).toEqual(before);
  });

  test("a route that the pod has already is said to be there, and nothing is made", async () => {
    await add(here().node, routed("n1"), at());
    const before = everything();
    const second = { ...at(), ifname: "net2" };
    const error = await refused(here().node, "ADD", routed("n2", { subnet: "172.20.0.0/16" }), second);
    expect(error).toMatchObject({ code: 105, msg: expect.stringMatching(/10\.60\.0\.0\/16.*already/) });
    expect(everything()).toEqual(before);
    expect(routesOf(here().pod, 4).map(({ dst }) => dst)).toContain("10.60.0.0/16");
  });
});

describe("defect 9", () => {
  const script = `const s = require("net").createServer((c) => { console.log("called"); c.destroy(); });
    s.listen(11000, "127.0.0.1", () => console.log("listening"));`;

  test("no verb calls a server: not even one that listens where daemonIP and daemonPort say", async () => {
    const args = ["netns", "exec", here().node.host.name, process.execPath, "-e", script];
    const server = spawn("ip", args, { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    server.stdout.on("data", (text) => {
      said += text;
    });
    try {
      await once(server.stdout, "data");
      const asked = network({ daemonIP: "127.0.0.1", daemonPort: 11000 });
      const result = await add(here().node, asked, at());
      await succeed(here().node, "CHECK", withPrevResult(asked, result), at());
      await succeed(here().node, "STATUS", asked);
      await succeed(here().node, "GC", { ...asked, ...valid({ containerID: "c1", ifname: "net1" }) });
      await succeed(here().node, "DEL", asked, at());
      expect(said).toBe("listening\n");
    } finally {
      server.kill();
    }
  });

  test("what they share is in files that only root can read", async () => {
    await add(here().node, network(), at());
    const { stateDir } = here().node;
    expect(statSync(stateDir).mode & 0o777).toBe(0o700);
    expect(statSync(join(stateDir, "state.db")).mode & 0o777).toBe(0o600);
  });

  test("an error is an error: exit code 1, with a code and a message", async () => {
    const answer = await call(here().node, "ADD", network({ masters: ["eth9"] }), at());
    expect(answer).toMatchObject({
      exitCode: 1,
      document: { code: 7, msg: expect.stringMatching(/"eth9"/) },
    });
  });
});

describe("defect 10", () => {
  test("a name that would pass 15 characters is refused before anything is made", async () => {
    const before = everything();
    const error = await refused(here().node, "ADD", network(), { ...at(), ifname: "fourteen-chars" });
    expect(error).toMatchObject({ code: 4, msg: expect.stringMatching(/at most 13/) });
    expect(everything()).toEqual(before);
    await add(here().node, network(), { ...at(), ifname: "thirteen-char" });
    expect(ifnamesOf(here().pod)).toEqual(["thirteen-char-0", "thirteen-char-1"]);
  });

  test("IPv6 is as good as IPv4", async () => {
    await add(here().node, network(pool([6])), at());
    expect(addressesOf(here().pod, "net1-1")).toEqual([firstAddress(6, 1)]);
  });

  test("an ADD needs no other process: it is served with nothing in CNI_PATH", async () => {
    await add(here().node, network(), { ...at(), path: "/nowhere" });
  });

  test("fields that we know nothing of survive into a delegate's configuration", async () => {
    using ipam = makeFakeIpam(`echo '{"cniVersion":"1.1.0","ips":[{"address":"10.5.0.1/24"}]}'`);
    const unknown = { trust: "on", spoofchk: "off", min_tx_rate: 100, vlan: { qos: [1, 2] }, exact: 1.5 };
    const asked = conf({
      masters: ["eth1"],
      multiNICIPAM: false,
      extra: unknown,
      ipam: { type: ipam.type, ...unknown },
    });
    await add(here().node, asked, { ...at(), path: `${cniPath}:${ipam.folder}` });
    expect(ipam.calls()[0]?.conf).toMatchObject({ extra: unknown, ipam: unknown, master: "eth1" });
  });
});
