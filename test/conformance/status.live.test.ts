import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { pool } from "../live/conf.ts";
import { add, refused, succeed } from "../live/plugin.ts";
import { at, atOther, here, network, useScene } from "../live/scene.ts";

useScene();

describe("STATUS", () => {
  const tight = pool([4], { interfaceBlock: 1, hostBlock: 13 });

  test("is fine where an ADD would be", async () => {
    await succeed(here().node, "STATUS", network());
  });

  test.each<[string, JsonObject, () => unknown, RegExp]>([
    ["a master is gone", {}, () => here().node.host.ip("link del eth2"), /"eth2" is no link of this host/],
    ["a master is down", {}, () => here().node.host.ip("link set eth2 down"), /"eth2" is down/],
    [
      "the host index is missing",
      pool([4], { hostIndex: undefined }),
      () => undefined,
      /ipam\.hostIndex: missing/,
    ],
    [
      "the IPAM is not installed",
      { ipam: { type: "nowhere" }, multiNICIPAM: false },
      () => undefined,
      /"nowhere"/,
    ],
    [
      "the pool is exhausted",
      tight,
      async () => {
        await add(here().node, network(tight), at());
        await add(here().node, network(tight), atOther());
      },
      /no free address in 192\.168\.0\.4\/30, 192\.168\.128\.4\/30/,
    ],
    ["the state folder is a file", {}, () => writeFileSync(here().node.stateDir, ""), /state database/],
  ])("says code 50 where %s", async (_, more, arrange, says) => {
    await arrange();
    const error = await refused(here().node, "STATUS", network(more));
    expect(error).toMatchObject({ code: 50, msg: expect.stringMatching(says) });
  });
});
