import { expect, test } from "vitest";
import { objectionTo } from "../../daemon/execute-call.ts";
import { namespaceId } from "../../lib/linux/namespace-id.ts";

const hostNetns = namespaceId("/proc/self/ns/net") ?? "";
const place = { hostNetns, stateDir: "/run/multi-nic-cni" };
const relative = "has a path that is not absolute";

test.each<[title: string, env: Readonly<Record<string, string>>, objection: string | undefined]>([
  ["no paths", {}, undefined],
  ["absolute folders", { CNI_PATH: "/opt/cni/bin:/usr/lib/cni" }, undefined],
  ["empty entries, which are left out", { CNI_PATH: ":/opt/cni/bin:" }, undefined],
  ["a relative folder", { CNI_PATH: "/opt/cni/bin:bin" }, relative],
  ["a folder below the client's", { CNI_PATH: "./bin" }, relative],
  ["no log", { MULTI_NIC_CNI_LOG_FILE: "off" }, undefined],
  ["a log at an absolute path", { MULTI_NIC_CNI_LOG_FILE: "/var/log/cni.log" }, undefined],
  ["a log at a relative path", { MULTI_NIC_CNI_LOG_FILE: "cni.log" }, relative],
  ["another state folder", { MULTI_NIC_CNI_STATE_DIR: "/run/other" }, "for another state folder"],
  [
    "a namespace that the client did not see",
    { CNI_NETNS: "/proc/self/ns/net" },
    "CNI_NETNS leads elsewhere for this daemon",
  ],
])("a call with %s", (_, env, objection) => {
  const call = { plugin: "multi-nic", hostNetns, podNetns: "", env, stdin: "" };
  expect(objectionTo(call, place)).toBe(objection);
});
