import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { pool } from "../live/conf.ts";
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

describe("STATUS of infra-dpu-cni", () => {
  const asked = (more: JsonObject) => ({ cniVersion: "1.1.0", name: "n1", type: "infra-dpu-cni", ...more });

  test.each([{}, { status: "ready" }])("is fine with %j, so that the node becomes Ready", async (more) => {
    await succeed(here().node, "STATUS", asked(more));
  });

  test("says code 50 where strict is asked for", async () => {
    expect(await refused(here().node, "STATUS", asked({ status: "strict" }))).toMatchObject({ code: 50 });
  });
});
