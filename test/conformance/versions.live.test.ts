import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { conf, firstAddress, pool } from "../live/conf.ts";
import { kernelState, linkOf } from "../live/kernel-state.ts";
import { makeNamespace } from "../live/namespaces.ts";
import { makeNode, type Node } from "../live/node.ts";
import { refused, succeed } from "../live/plugin.ts";

let node: Node;
beforeAll(() => {
  node = makeNode(2);
});
afterAll(() => node[Symbol.dispose]());

const v4 = firstAddress(4, 0);
const v6 = firstAddress(6, 0);
const route = { dst: "10.77.0.0/16", priority: 7, mtu: 1400 };

/** What is in a pod's result that depends on the kernel: its MAC and namespace. */
interface Made {
  readonly mac: string;
  readonly sandbox: string;
}

const perFamily = () => ({
  ip4: { ip: v4, routes: [{ dst: route.dst }] },
  ip6: { ip: v6 },
  dns: { domain: "pods.example" },
});
const lists = (version: boolean, newer: boolean, { mac, sandbox }: Made) => ({
  interfaces: [{ name: "net1-0", mac, ...(newer ? { mtu: 1500 } : {}), sandbox }],
  ips: [
    { ...(version ? { version: "4" } : {}), interface: 0, address: v4 },
    { ...(version ? { version: "6" } : {}), interface: 0, address: v6 },
  ],
  routes: [newer ? route : { dst: route.dst }],
  dns: { domain: "pods.example" },
});

const rows = [
  { version: undefined, answered: "0.1.0", shape: perFamily, check: false, gc: false },
  { version: "0.1.0", answered: "0.1.0", shape: perFamily, check: false, gc: false },
  { version: "0.2.0", answered: "0.2.0", shape: perFamily, check: false, gc: false },
  { version: "0.3.0", shape: (made: Made) => lists(true, false, made), check: false, gc: false },
  { version: "0.3.1", shape: (made: Made) => lists(true, false, made), check: false, gc: false },
  { version: "0.4.0", shape: (made: Made) => lists(true, false, made), check: true, gc: false },
  { version: "1.0.0", shape: (made: Made) => lists(false, false, made), check: true, gc: false },
  { version: "1.1.0", shape: (made: Made) => lists(false, true, made), check: true, gc: true },
];

describe("every version of the specification", () => {
  test.each(rows.map((row) => [row.version ?? "no cniVersion", row] as const))(
    "%s: ADD answers in its shape, and only its verbs are served",
    async (_, row) => {
      using pod = makeNamespace("pod");
      const before = kernelState(pod);
      const at = { netns: pod.path };
      const network: JsonObject = conf(
        { cniVersion: row.version, name: `v-${row.version}`, masters: ["eth1"] },
        pool([4, 6], { routes: [route], dns: { domain: "pods.example" } }),
      );

      const result = await succeed(node, "ADD", network, at);
      const made = { mac: linkOf(pod, "net1-0").address, sandbox: pod.path };
      expect(result).toEqual({ cniVersion: row.answered ?? row.version, ...row.shape(made) });

      const asked = { ...network, prevResult: result };
      if (row.check) await succeed(node, "CHECK", asked, at);
      else expect(await refused(node, "CHECK", asked, at)).toMatchObject({ code: 1 });
      for (const verb of ["GC", "STATUS"] as const) {
        if (row.gc) await succeed(node, verb, network);
        else expect(await refused(node, verb, network)).toMatchObject({ code: 1 });
      }
      await succeed(node, "DEL", asked, at);
      expect(kernelState(pod)).toEqual(before);
    },
  );

  test("a version that is none is refused by every verb, and named with those that are", async () => {
    using pod = makeNamespace("pod");
    const network = conf({ cniVersion: "9.9.9", masters: ["eth1"] });
    for (const verb of ["ADD", "CHECK", "DEL", "GC", "STATUS"] as const) {
      const error = await refused(node, verb, network, { netns: pod.path });
      expect(error).toMatchObject({ cniVersion: "1.1.0", code: 1 });
      expect(error.details).toMatch(/9\.9\.9.*1\.1\.0/);
    }
  });

  const versions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];
  test.each([
    ["multi-nic", { cniVersion: "0.4.0" }, "0.4.0"],
    ["multi-nic-ipam", "", "1.1.0"],
    ["infra-dpu-cni", { cniVersion: "1.0.0" }, "1.0.0"],
  ])("%s lists its versions for VERSION", async (name, stdin, cniVersion) => {
    expect(await succeed(node, "VERSION", stdin, undefined, name)).toEqual({
      cniVersion,
      supportedVersions: versions,
    });
  });
});
