import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { pool } from "../live/conf.ts";
import { kernelState, linkOf } from "../live/kernel-state.ts";
import { emptyStore, storeOf, tamperStore, writeNodeFile } from "../live/node.ts";
import { add, refused, succeed } from "../live/plugin.ts";
import { at, atOther, here, network, useScene } from "../live/scene.ts";

useScene();

/** One address for each of two pods, in each block. */
const tight = pool([4], { interfaceBlock: 1, hostBlock: 13 });
const noIndex = pool([4], { hostIndex: undefined });
const fill = async (conf: JsonObject) => {
  await add(here().node, conf, at());
  await add(here().node, conf, atOther());
};
const fileForStateFolder = () => {
  rmSync(here().node.stateDir, { recursive: true, force: true });
  writeFileSync(here().node.stateDir, "");
};
const folderAt = (name: string) => mkdirSync(join(here().node.stateDir, name), { recursive: true });

type Row = readonly [title: string, more: JsonObject, arrange: (conf: JsonObject) => unknown, says: RegExp];

const nothing = () => undefined;
const ofAddresses: readonly Row[] = [
  ["the host index is missing", noIndex, nothing, /ipam\.hostIndex: missing.*networks\/n1\.json/],
  [
    "the node file is broken",
    noIndex,
    () => writeNodeFile(here().node, "n1", { hostIndex: "one" }),
    /node file.*hostIndex: "one"/,
  ],
  ["the pool is exhausted", tight, fill, /no free address in 192\.168\.0\.4\/30.*delete pods/],
  ["no subnet is given", { subnet: undefined as never }, nothing, /subnet: none is given/],
  ["the state folder is a file", {}, () => fileForStateFolder(), /state database/],
  ["the state database is a folder", {}, () => folderAt("state.db"), /state database.*state\.db/],
  [
    "the state database is noise",
    {},
    () => {
      folderAt("networks");
      writeFileSync(join(here().node.stateDir, "state.db"), "noise".repeat(1000));
    },
    /state database.*state\.db/,
  ],
  [
    "the state database is of a later version",
    {},
    async (conf) => {
      await add(here().node, conf, at());
      tamperStore(here().node, "PRAGMA user_version = 99");
    },
    /state database.*version 99/,
  ],
];

const ofLinks: readonly Row[] = [
  ["a master is gone", {}, () => here().node.host.ip("link del eth2"), /"eth2" is no link of this host/],
  ["a master is down", {}, () => here().node.host.ip("link set eth2 down"), /"eth2" is down/],
  [
    "the MTU is larger than a master's",
    { plugin: { type: "macvlan", mtu: 1400 } },
    () => here().node.host.ip("link set eth2 mtu 1300"),
    /plugin\.mtu: 1400 .*eth2/,
  ],
  ["no NIC is on masterNets", { masters: [], masterNets: ["172.31.0.0/24"] }, nothing, /172\.31\.0\.0\/24/],
  ["the IPAM is not installed", { ipam: { type: "nowhere" }, multiNICIPAM: false }, nothing, /"nowhere"/],
];

describe.each([
  ["multi-nic", [...ofLinks, ...ofAddresses]],
  ["multi-nic-ipam", ofAddresses],
])("STATUS of %s", (type, rows) => {
  const asked = (more: JsonObject = {}) => ({ ...network(more), type });

  test("is fine where an ADD would be, and takes nothing", async () => {
    await succeed(here().node, "STATUS", asked());
    await succeed(here().node, "STATUS", asked());
    expect(storeOf(here().node)).toEqual(emptyStore);
  });

  test("is fine with the last address free, and again when a pod has gone", async () => {
    await add(here().node, asked(tight), at());
    await succeed(here().node, "STATUS", asked(tight));
    await add(here().node, asked(tight), atOther());
    expect(await refused(here().node, "STATUS", asked(tight))).toMatchObject({ code: 50 });
    await succeed(here().node, "DEL", asked(tight), at());
    await succeed(here().node, "STATUS", asked(tight));
  });

  test.each(rows)("says code 50 where %s", async (_, more, arrange, says) => {
    await arrange(asked(more));
    const error = await refused(here().node, "STATUS", asked(more));
    expect(error).toMatchObject({ code: 50, msg: expect.stringMatching(says) });
  });
});

describe("STATUS of a network that lends NICs", () => {
  const lending = (more: JsonObject = {}) => network({ plugin: { type: "host-device" }, ...more });
  const named = (device: JsonObject): JsonObject => ({
    masters: null,
    plugin: { type: "host-device", ...device },
  });
  /** As pods of another main plugin do, which have addresses and no NICs. */
  const fillBy = (more: JsonObject) => fill({ ...network(more), type: "multi-nic-ipam" });
  const sriov = { plugin: { type: "sriov" }, masters: ["eth1"] };

  const rows: readonly Row[] = [
    [
      "a master is no link",
      { masters: ["eth1", "gone1"] },
      nothing,
      /^masters: "gone1" is no link of this host/,
    ],
    [
      "a physical function is no link",
      { ...sriov, masters: ["gone1"] },
      nothing,
      /^masters: "gone1" is no link/,
    ],
    [
      "the node file names no link",
      { masters: null, ...noIndex },
      () =>
        writeNodeFile(here().node, "n1", { hostIndex: 1, masters: [{ name: "gone1", interfaceIndex: 0 }] }),
      /^node file: masters: "gone1" is no link/,
    ],
    ["the device is no link", named({ device: "gone1" }), nothing, /^plugin\.device: "gone1" is no link/],
    [
      "the device's address is no link's",
      named({ hwaddr: "02:00:00:00:00:d1" }),
      nothing,
      /^plugin\.hwaddr: "02:00/,
    ],
    [
      "there is no such PCI device",
      { masters: null, deviceIDs: ["ffff:3b:00.1"] },
      nothing,
      /^deviceIDs: "ffff:3b:00\.1" is no PCI/,
    ],
    [
      "no NIC is on masterNets",
      { masters: null, masterNets: ["172.31.0.0/24"] },
      nothing,
      /172\.31\.0\.0\/24/,
    ],
    [
      "a master is a bridge's port",
      {},
      () => here().node.host.ip("link add br0 type bridge") + here().node.host.ip("link set eth2 master br0"),
      /^masters: "eth2" is a port of/,
    ],
    [
      "the MTU is larger than a master's",
      { plugin: { type: "host-device", mtu: 99999 } },
      nothing,
      /^plugin\.mtu: 99999/,
    ],
    ["the host index is missing", noIndex, nothing, /ipam\.hostIndex: missing/],
    [
      "the same, and all are with a pod",
      noIndex,
      () => add(here().node, lending(), at()),
      /ipam\.hostIndex: missing/,
    ],
    ["the pool is exhausted", tight, fillBy, /no free address in 192\.168\.0\.4\/30/],
    [
      "the same, for virtual functions",
      { ...tight, ...sriov },
      fillBy,
      /no free address in 192\.168\.0\.4\/30/,
    ],
  ];
  test.each(rows)("says code 50 where %s", async (_, more, arrange, says) => {
    await arrange(lending(more));
    const error = await refused(here().node, "STATUS", lending(more));
    expect(error).toMatchObject({ code: 50, msg: expect.stringMatching(says) });
  });

  const served: readonly (readonly [string, JsonObject, () => unknown])[] = [
    ["they are there", {}, nothing],
    ["one is with a pod", {}, () => add(here().node, lending({ masters: ["eth1"] }), at())],
    ["all are with a pod", {}, () => add(here().node, lending(), at())],
    [
      "that on masterNets is with a pod",
      { masters: null, masterNets: ["10.1.0.0/24"] },
      () => add(here().node, lending({ masters: ["eth1"] }), at()),
    ],
    ["that of the name is with a pod", named({ device: "eth1" }), () => add(here().node, lending(), at())],
    [
      "the addresses of one with a pod are used up with it",
      tight,
      async () => {
        await add(here().node, lending({ ...tight, masters: ["eth1"] }), at());
        await add(
          here().node,
          { ...network({ ...tight, masters: ["eth1"] }), type: "multi-nic-ipam" },
          atOther(),
        );
      },
    ],
    ["a device plugin says which", { masters: null }, nothing],
    [
      "one physical function of two has addresses",
      { ...tight, ...sriov, masters: ["eth1", "eth2"] },
      () => fillBy({ ...tight, masters: ["eth1"] }),
    ],
  ];
  test.each(served)("is fine where %s, and changes nothing", async (_, more, arrange) => {
    await arrange();
    const before = [kernelState(here().node.host), storeOf(here().node)];
    await succeed(here().node, "STATUS", lending(more));
    expect([kernelState(here().node.host), storeOf(here().node)]).toEqual(before);
  });

  test("is fine where that of the address is with a pod", async () => {
    const conf = lending(named({ hwaddr: linkOf(here().node.host, "eth1").address }));
    await add(here().node, conf, at());
    await succeed(here().node, "STATUS", conf);
  });
});

describe("STATUS of infra-dpu-cni", () => {
  const asked = (more: JsonObject) => ({ cniVersion: "1.1.0", name: "n1", type: "infra-dpu-cni", ...more });

  test.each([{}, { status: "ready" }])("is fine with %j, so that the node becomes Ready", async (more) => {
    await succeed(here().node, "STATUS", asked(more));
  });

  test("says code 50 where strict is asked for", async () => {
    expect(await refused(here().node, "STATUS", asked({ status: "strict" }))).toMatchObject({ code: 50 });
  });
});
