import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { pool } from "../live/conf.ts";
import { emptyStore, storeOf } from "../live/node.ts";
import { type Attachment, add, refused } from "../live/plugin.ts";
import { addresses, del, fresh, ipamNode, of, useIpam } from "./ipam-scene.ts";

useIpam();

describe("an address that is asked for", () => {
  const ways: readonly (readonly [
    string,
    (ip: string) => { conf?: JsonObject; at?: Partial<Attachment> },
  ])[] = [
    ["CNI_ARGS", (ip) => ({ at: { args: `IgnoreUnknown=1;IP=${ip}` } })],
    ["cni-args", (ip) => ({ conf: { args: { cni: { ips: [ip] } } } })],
    ["runtimeConfig", (ip) => ({ conf: { runtimeConfig: { ips: [ip] } } })],
  ];
  const asking = (ip: string, way: (typeof ways)[number][1], more: JsonObject = {}) => {
    const { conf = {}, at = {} } = way(ip);
    return [{ ...fresh(more), ...conf }, of("c1", at)] as const;
  };

  test.each(ways)("by %s is given, with its prefix length or without", async (_, way) => {
    for (const ip of ["192.168.1.77", "192.168.1.77/19"]) {
      const [conf, at] = asking(ip, way);
      expect(await addresses(conf, at)).toEqual(["192.168.1.77/19"]);
      await del(conf, at);
    }
  });

  test("in each of two families, by different ways, is given", async () => {
    const conf = { ...fresh(pool([4, 6])), runtimeConfig: { ips: ["fd10:0:0:100::77"] } };
    const at = of("c1", { args: "IP=192.168.1.77" });
    expect(await addresses(conf, at)).toEqual(["192.168.1.77/19", "fd10:0:0:100::77/51"]);
    await del(conf, at);
  });

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    [
      "below the block",
      "192.168.0.255",
      /"192\.168\.0\.255" is outside this host's blocks; request an address of 192\.168\.1\.0\/24/,
    ],
    ["above the block", "192.168.2.0", /"192\.168\.2\.0" is outside/],
    ["of a family that it has not", "fd10::5", /"fd10::5" is outside/],
    [
      "the network's own",
      "192.168.1.0",
      /"192\.168\.1\.0" is reserved in 192\.168\.1\.0\/24; request another from 192\.168\.1\.1 to 192\.168\.1\.254/,
    ],
    ["the broadcast", "192.168.1.255", /"192\.168\.1\.255" is reserved/],
    ["of another prefix length", "192.168.1.77/24", /write "192\.168\.1\.77\/19"/],
    ["of no sense", "192.168.1", /192\.168\.1.*write it as/],
  ];
  test.each(ways.flatMap(([name, way]) => wrong.map((row) => [name, ...row, way] as const)))(
    "by %s, %s, is refused, and nothing else is given in its place",
    async (_, __, ip, says, way) => {
      const [conf, at] = asking(ip, way);
      expect(await refused(ipamNode(), "ADD", conf, at)).toMatchObject({
        code: 7,
        msg: expect.stringMatching(says),
      });
      expect(storeOf(ipamNode())).toEqual(emptyStore);
    },
  );

  test("and is taken is refused, naming who has it; and is given when it is free", async () => {
    const conf = fresh();
    await add(ipamNode(), conf, of("c1", { args: "IP=192.168.1.77" }));
    const second = of("c2", { args: "IP=192.168.1.77" });
    expect(await refused(ipamNode(), "ADD", conf, second)).toMatchObject({
      code: 103,
      msg: expect.stringMatching(/"192\.168\.1\.77" .* held by container "c1", interface "net1"/),
    });
    await del(conf, of("c1"));
    expect(await addresses(conf, second)).toEqual(["192.168.1.77/19"]);
    await del(conf, second);
  });
});
