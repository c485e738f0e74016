import { chmodSync, linkSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { conf } from "./conf.ts";
import { describeWhere, linkKind } from "./kernel.ts";
import { kernelState } from "./kernel-state.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { emptyStore, makeNode, type Node, storeOf } from "./node.ts";
import { bin, call, cniPath, refused, succeed } from "./plugin.ts";

/*
 * Whoever writes a network configuration may name any file of CNI_PATH as its IPAM, our own executables too: nothing may
 * call itself without end, begin to serve, or leave a pod that cannot end.
 */

let node: Node;
let pod: Namespace;
let folder: string;
beforeAll(() => {
  node = makeNode(2);
  pod = makeNamespace("pod");
  // Beside the executables, since a hard link cannot lead to another file system.
  folder = mkdtempSync(join(bin, "other-names-"));
  linkSync(join(bin, "multi-nic-cni"), join(folder, "our-ipam"));
  writeFileSync(join(folder, "wrapped-ipam"), `#!/bin/sh\nexec '${join(bin, "multi-nic")}'\n`);
  chmodSync(join(folder, "wrapped-ipam"), 0o755);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  for (const each of [pod, node]) each[Symbol.dispose]();
});

const names = [
  "infra-dpu-cni",
  "multi-nic",
  "multi-nic-cni",
  "multi-nic-concheck",
  "multi-nic-doctor",
  "multi-nicd",
];
const network = (type: string) => conf({ masters: ["eth1", "eth2"], ipam: { type } });
const ofMasters = (type: string) =>
  conf({ masters: ["eth1"], ipam: { type: "multi-config", args: { eth1: { ipam_type: type } } } });

describeWhere(linkKind("macvlan"), "an executable of ours for an IPAM", () => {
  test.each([
    ...names.map((name) => [name, "by its name", network(name)] as const),
    ...names.map((name) => [name, "for a master", ofMasters(name)] as const),
    ["multi-nic-cni", "under another name", network("our-ipam")] as const,
    ["multi-nic", "by a script", network("wrapped-ipam")] as const,
  ])("%s, %s: each verb ends, nothing is left, and DEL succeeds", async (_, __, network) => {
    const at = { netns: pod.path, path: `${cniPath}:${folder}` };
    const before = kernelState(pod);
    expect(await refused(node, "ADD", network, at)).toMatchObject({
      code: 7,
      msg: expect.stringMatching(/ipam|name/),
    });
    expect([kernelState(pod), storeOf(node)]).toEqual([before, emptyStore]);
    expect((await refused(node, "STATUS", network, at)).msg).toMatch(/./);
    await call(node, "GC", { ...network, "cni.dev/valid-attachments": [] }, { ...at, netns: "" });
    await succeed(node, "DEL", network, at);
    await succeed(node, "DEL", network, { ...at, netns: "" });
    expect([kernelState(pod), storeOf(node)]).toEqual([before, emptyStore]);
  });

  test.each(["multi-nicd", "multi-nic-doctor", "multi-nic-concheck"])(
    "%s is refused where a runtime calls it as a plugin, and its DEL succeeds",
    async (name) => {
      const at = { netns: pod.path };
      for (const verb of ["ADD", "STATUS"] as const) {
        expect(await refused(node, verb, network("host-local"), at, name)).toMatchObject({
          code: 7,
          msg: "this executable was called by a name that is no plugin of it",
        });
      }
      await succeed(node, "DEL", network("host-local"), at, name);
    },
  );
});
