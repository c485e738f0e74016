import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { JsonObject } from "../../lib/cni/json.ts";
import { withSysfs } from "../live/fake-sysfs.ts";
import type { Namespace } from "../live/namespaces.ts";

const project = fileURLToPath(new URL("../../", import.meta.url));

/** The folder of the Go plugins, Debian's or the customary one; undefined where they are not installed. */
export const goPlugins = ["/usr/lib/cni", "/opt/cni/bin"].find((dir) => existsSync(`${dir}/host-local`));

const own = ["infra-dpu-cni", "multi-nic", "multi-nic-ipam"];

/** What a runtime reads in a result of 1.0.0. */
export interface CniResult {
  readonly interfaces: readonly { readonly name: string; readonly sandbox?: string }[];
  readonly ips: readonly { readonly address: string; readonly interface: number }[];
}

export interface Call {
  readonly host: Namespace;
  readonly pod: Namespace;
  readonly ifname: string;
  readonly state: string;
  /** A tree that stands for /sys, and kubelet's folder */
  readonly sys?: string | undefined;
  readonly kubelet?: string | undefined;
}

/**
 * Runs the plugins as libcni does: DEL backwards, each with the result before it (all but an ADD with `last`).
 * @throws Error with the plugin's error object, where it refuses
 */
export function runChain(
  command: string,
  confs: readonly JsonObject[],
  call: Call,
  last?: CniResult,
): CniResult {
  let prevResult = last;
  for (const conf of command === "DEL" ? [...confs].reverse() : confs) {
    const stdin = prevResult === undefined ? conf : { ...conf, prevResult };
    const stdout = runOne(command, JSON.stringify(stdin), String(conf.type), call);
    if (command === "ADD") prevResult = JSON.parse(stdout);
  }
  return prevResult ?? { interfaces: [], ips: [] };
}

function runOne(
  command: string,
  input: string,
  type: string,
  { host, pod, ifname, state, sys, kubelet }: Call,
): string {
  const plugin = own.includes(type)
    ? [process.execPath, `${project}plugins/main.ts`, type]
    : [`${goPlugins}/${type}`];
  const env = {
    PATH: process.env.PATH,
    CNI_COMMAND: command,
    CNI_CONTAINERID: "c1",
    CNI_NETNS: pod.path,
    CNI_IFNAME: ifname,
    CNI_ARGS: "IgnoreUnknown=true;K8S_POD_UID=uid-1",
    CNI_PATH: goPlugins ?? "/opt/cni/bin",
    MULTI_NIC_CNI_STATE_DIR: state,
    MULTI_NIC_CNI_LOG_FILE: "off",
    ...(kubelet === undefined ? {} : { MULTI_NIC_CNI_KUBELET_DIR: kubelet }),
  };
  const words = sys === undefined ? plugin : [...withSysfs(sys), ...plugin];
  const done = spawnSync("ip", ["netns", "exec", host.name, ...words], { input, env, encoding: "utf8" });
  if (done.status !== 0)
    throw new Error(`${type} ${command}: ${done.stdout || done.stderr || done.error?.message}`);
  return done.stdout;
}
