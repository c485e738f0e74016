import { existsSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { Command, Invocation } from "../../../lib/cni/invocation.ts";
import type { JsonObject } from "../../../lib/cni/json.ts";
import type { Result } from "../../../lib/cni/result.ts";
import { openStore } from "../../../lib/ipam/store.ts";
import { verbs } from "../../../plugins/multi-nic-ipam/verbs.ts";
import { testFolder } from "../../lib/ipam/store-fixture.ts";
import { attachment } from "../../lib/ipam/store-records.ts";

let folder: string;
let errors: string[];

beforeEach(() => {
  folder = testFolder();
  errors = [];
  mkdirSync(join(folder, "networks"));
});

const usual = {
  type: "multi-nic-ipam",
  subnet: "192.168.0.0/16",
  interfaceBlock: 2,
  hostBlock: 6,
  hostIndex: 0,
};

/** A call for container c<n>, whose namespace is a file of the folder: what counts is its inode. */
function call(command: Command, container: string, conf: JsonObject = { ipam: usual }): Invocation {
  return {
    command,
    cniVersion: "1.1.0",
    network: "net",
    containerId: container,
    netns: join(folder, `netns-${container}`),
    ifname: "eth0",
    args: new Map(),
    path: [],
    conf: { cniVersion: "1.1.0", name: "net", ...conf },
    env: { MULTI_NIC_CNI_STATE_DIR: folder },
    log: { info() {}, error: (message) => errors.push(message) },
  };
}

function add(container: string, conf?: JsonObject, change: Partial<Invocation> = {}): Promise<Result> {
  writeFileSync(join(folder, `netns-${container}`), "");
  return verbs.add({ ...call("ADD", container, conf), ...change });
}

const del = (container: string, conf?: JsonObject) => verbs.del(call("DEL", container, conf));
const addressesOf = (result: Result) => result.ips.map(({ address }) => address);
const tiny = { ipam: { subnet: "10.0.0.0/30" } }; // two addresses
const coded = (code: number, message: string | RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe("ADD", () => {
  test("gives any main plugin one address, with the vlan's prefix and no gateway", async () => {
    expect(await add("c1")).toEqual({
      interfaces: [],
      ips: [{ address: "192.168.0.1/18" }],
      routes: [],
      dns: {},
    });
    expect(addressesOf(await add("c2"))).toEqual(["192.168.0.2/18"]);
  });

  test("gives an address of the configured interface's block", async () => {
    expect(addressesOf(await add("c1", { ipam: { ...usual, interfaceIndex: 3 } }))).toEqual([
      "192.168.192.1/18",
    ]);
  });

  test("gives one of each family", async () => {
    const ipam = { ...usual, subnet: ["192.168.0.0/16", "fd00::/48"] };
    expect(addressesOf(await add("c1", { ipam }))).toEqual(["192.168.0.1/18", "fd00::1/50"]);
  });

  test("tells the addresses of several masters apart by their position", async () => {
    expect((await add("c1", { ipam: usual, masters: ["eth1", "eth2"] })).ips).toEqual([
      { address: "192.168.0.1/18", interface: 0 },
      { address: "192.168.64.1/18", interface: 1 },
    ]);
  });

  test("takes the blocks of masters from the node file", async () => {
    const file = {
      hostIndex: 1,
      masters: [
        { name: "eth2", interfaceIndex: 0 },
        { name: "eth1", interfaceIndex: 1 },
      ],
    };
    writeFileSync(join(folder, "networks", "net.json"), JSON.stringify(file));
    const { hostIndex: _, ...ipam } = usual;
    expect((await add("c1", { ipam, masters: ["eth1", "eth2"] })).ips).toEqual([
      { address: "192.168.65.1/18", interface: 0 },
      { address: "192.168.1.1/18", interface: 1 },
    ]);
  });

  test("passes gateway, routes and dns on", async () => {
    const ipam = {
      ...usual,
      subnet: ["192.168.0.0/16", "fd00::/48"],
      gateway: "192.168.0.1",
      routes: [{ dst: "10.0.0.0/8", gw: "192.168.0.1" }, { dst: "::/0" }],
      dns: { nameservers: ["192.168.0.1"] },
    };
    expect(await add("c1", { ipam })).toEqual({
      interfaces: [],
      ips: [{ address: "192.168.0.2/18", gateway: "192.168.0.1" }, { address: "fd00::1/50" }],
      routes: ipam.routes,
      dns: ipam.dns,
    });
  });

  test("gives a requested address", async () => {
    const result = await add("c1", undefined, { args: new Map([["IP", "192.168.0.77"]]) });
    expect(addressesOf(result)).toEqual(["192.168.0.77/18"]);
  });

  test("is refused for an attachment that is there, and leaves it its address", async () => {
    await add("c1");
    await expect(verbs.add(call("ADD", "c1"))).rejects.toThrow(coded(105, 'container "c1".*DEL it first'));
    expect(addressesOf(await add("c2"))).toEqual(["192.168.0.2/18"]);
  });

  test("replaces an attachment of the same name whose namespace was replaced", async () => {
    await add("c1");
    const netns = join(folder, "netns-c1");
    writeFileSync(`${netns}.new`, "");
    renameSync(`${netns}.new`, netns);
    expect(addressesOf(await add("c1"))).toEqual(["192.168.0.2/18"]);
  });

  test("is refused where multi-nic holds an attachment of the same name", async () => {
    using store = openStore({ database: join(folder, "state.db") });
    store.write((tx) =>
      tx.insert(attachment("c1", { ifname: "eth0", owner: "multi-nic", netns: "/gone", netnsId: "1:1" })),
    );
    await expect(add("c1")).rejects.toThrow(coded(105, "made by multi-nic"));
  });

  test("is refused without a namespace, and leases nothing", async () => {
    await expect(verbs.add(call("ADD", "c1"))).rejects.toThrow(coded(3, "CNI_NETNS: .*netns-c1"));
    expect(addressesOf(await add("c2"))).toEqual(["192.168.0.1/18"]);
  });

  test("without a host index makes no store", async () => {
    const { hostIndex: _, ...ipam } = usual;
    await expect(add("c1", { ipam })).rejects.toThrow(coded(7, "ipam.hostIndex: missing"));
    expect(existsSync(join(folder, "state.db"))).toBe(false);
  });

  test("reclaims what pods left behind that are gone, when nothing else is free", async () => {
    await add("c1", tiny);
    await add("c2", tiny);
    await expect(add("c3", tiny)).rejects.toThrow(coded(104, "10.0.0.0/30"));
    rmSync(join(folder, "netns-c1"));
    expect(addressesOf(await add("c3", tiny))).toEqual(["10.0.0.1/30"]);
  });

  test("waits with an address for the configured cool-down", async () => {
    const cooling = (coolDown: number) => ({ ipam: { subnet: "10.0.0.0/29", coolDown } });
    for (const name of ["c1", "c2", "c3", "c4", "c5"]) await add(name, cooling(60));
    await del("c5");
    await del("c1");
    expect(addressesOf(await add("c6", cooling(60)))).toEqual(["10.0.0.6/29"]);
    // Of those that cool down the one released first is next; without a cool-down it is the next in order.
    expect(addressesOf(await add("c7", cooling(0)))).toEqual(["10.0.0.1/29"]);
  });
});

describe("DEL", () => {
  test("frees the addresses, a second time too, and those of an unknown container", async () => {
    await add("c1", tiny);
    await add("c2", tiny);
    await del("c1", tiny);
    await del("c1", tiny);
    await del("unknown", tiny);
    expect(addressesOf(await add("c3", tiny))).toEqual(["10.0.0.1/30"]);
  });

  test("frees without namespace and with a configuration that has become invalid", async () => {
    await add("c1", tiny);
    await add("c2", tiny);
    await verbs.del({ ...call("DEL", "c1", { ipam: { subnet: 5, hostBlock: "x" } }), netns: "" });
    expect(addressesOf(await add("c3", tiny))).toEqual(["10.0.0.1/30"]);
  });

  test("of one interface leaves the container's others alone", async () => {
    await add("c1", tiny);
    await add("c1", tiny, { ifname: "eth1" });
    await verbs.del({ ...call("DEL", "c1", tiny), ifname: "eth1" });
    await expect(add("c1", tiny)).rejects.toThrow(coded(105, "eth0"));
    expect(addressesOf(await add("c2", tiny))).toEqual(["10.0.0.2/30"]);
  });

  test("leaves multi-nic's attachment of that name alone", async () => {
    using store = openStore({ database: join(folder, "state.db") });
    store.write((tx) => tx.insert(attachment("c1", { ifname: "eth0", owner: "multi-nic" })));
    await del("c1");
    expect(store.read((tx) => tx.attachments())).toHaveLength(1);
  });

  test("succeeds with a damaged store, and logs it; ADD does not", async () => {
    await add("c1");
    truncateSync(join(folder, "state.db"), 0);
    await del("c1");
    expect(errors).toEqual(["DEL could not free the addresses"]);
    await expect(add("c2")).rejects.toThrow(coded(5, /state\.db.*drain/));
  });
});

describe("CHECK", () => {
  const withIps = (...addresses: string[]) => ({
    ipam: usual,
    prevResult: { cniVersion: "1.1.0", ips: addresses.map((address) => ({ address })) },
  });

  test("is refused without the result of ADD", async () => {
    await add("c1");
    await expect(verbs.check(call("CHECK", "c1"))).rejects.toThrow(coded(7, "prevResult: missing"));
  });

  test("finds what ADD gave, beside others' addresses", async () => {
    await add("c1");
    await verbs.check(call("CHECK", "c1", withIps("10.9.9.9/24", "192.168.0.1/18")));
  });

  test.each([
    ["there is no lease", "c2", ["192.168.0.1/18"], 'container "c2"'],
    ["the result has another address", "c1", ["192.168.0.2/18"], "192.168.0.1/18 missing"],
    ["the result has another prefix length", "c1", ["192.168.0.1/24"], "192.168.0.1/18 missing"],
  ])("fails where %s", async (_, container, addresses, message) => {
    await add("c1");
    await expect(verbs.check(call("CHECK", container, withIps(...addresses)))).rejects.toThrow(
      coded(106, message),
    );
  });
});

describe("STATUS", () => {
  const status = (conf?: JsonObject) => verbs.status({ ...call("STATUS", "", conf), netns: "", ifname: "" });

  test("succeeds where an ADD could be served", async () => {
    await add("c1", tiny);
    await status(tiny);
    await status();
  });

  test.each([
    ["there is no host index", { ipam: { ...usual, hostIndex: null } }, "ipam.hostIndex: missing"],
    ["the pool is invalid", { ipam: { ...usual, hostBlock: 20 } }, "do not fit"],
  ])("says 50 where %s", async (_, conf, message) => {
    await expect(status(conf)).rejects.toThrow(coded(50, message));
  });

  test("says 50 where the pool is exhausted, unless something can be reclaimed", async () => {
    await add("c1", tiny);
    await add("c2", tiny);
    await expect(status(tiny)).rejects.toThrow(coded(50, "no free address in 10.0.0.0/30"));
    rmSync(join(folder, "netns-c1"));
    await status(tiny);
  });

  test("says 50 where the store is damaged", async () => {
    await add("c1");
    truncateSync(join(folder, "state.db"), 0);
    await expect(status()).rejects.toThrow(coded(50, "state.db"));
  });
});

describe("GC", () => {
  const gc = (valid?: { containerID: string; ifname: string }[]) =>
    verbs.gc(call("GC", "", valid === undefined ? tiny : { ...tiny, "cni.dev/valid-attachments": valid }));
  const containers = () => {
    using store = openStore({ database: join(folder, "state.db") });
    return store.read((tx) => tx.attachments().map(({ containerId }) => containerId));
  };

  beforeEach(async () => {
    await add("c1", tiny);
    await add("c2", tiny);
    using store = openStore({ database: join(folder, "state.db") });
    store.write((tx) => {
      tx.insert(attachment("links", { owner: "multi-nic" }));
      tx.insert(attachment("elsewhere", { network: "other" }));
    });
  });

  test("frees our attachments of this network that are not listed", async () => {
    await gc([{ containerID: "c2", ifname: "eth0" }]);
    expect(containers()).toEqual(["c2", "links", "elsewhere"]);
  });

  test("goes by the interface's name, too", async () => {
    await gc([{ containerID: "c2", ifname: "eth1" }]);
    expect(containers()).toEqual(["links", "elsewhere"]);
  });

  test("frees listed ones whose namespace is gone", async () => {
    rmSync(join(folder, "netns-c2"));
    await gc([
      { containerID: "c1", ifname: "eth0" },
      { containerID: "c2", ifname: "eth0" },
    ]);
    expect(containers()).toEqual(["c1", "links", "elsewhere"]);
  });

  test("frees all for an empty list, and nothing without one", async () => {
    await gc();
    expect(containers()).toHaveLength(4);
    await gc([]);
    expect(containers()).toEqual(["links", "elsewhere"]);
  });
});
