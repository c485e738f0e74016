import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Invocation } from "../../lib/cni/invocation.ts";
import type { JsonObject } from "../../lib/cni/json.ts";
import { noLog } from "../../lib/cni/log.ts";

export const folder = fileURLToPath(new URL("../../conf-templates/", import.meta.url));

/** The networks that have a .conf, and a NetworkAttachmentDefinition of the same content. */
export const networks = [
  "multi-nic-device-class",
  "multi-nic-dual-stack",
  "multi-nic-fewest",
  "multi-nic-host-device",
  "multi-nic-host-local",
  "multi-nic-ipvlan-l2",
  "multi-nic-ipvlan-l3",
  "multi-nic-least-loaded",
  "multi-nic-macvlan",
  "multi-nic-most-bandwidth",
  "multi-nic-near-gpu",
  "multi-nic-source-routing",
  "multi-nic-sriov",
  "multi-nic-vlan",
  "multi-nic-whereabouts",
] as const;

/** Lists of chained plugins, each with the name of the network in it. */
export const lists = {
  "10-bridge-multi-nic.conflist": "bridge-multi-nic",
  "10-multi-nic-only.conflist": "multi-nic-only",
} as const;

export const dpuConfs = ["10-infra-dpu-cni.conf", "10-ovn-kubernetes.conf"] as const;
export const multusConfs = ["00-multus-after.conf", "00-multus-before.conf"] as const;
export const nodeFiles = ["networks/multi-nic-ipvlan-l3.json"] as const;
/** What policies choose by. */
export const classFile = "classes.json";
export const pods = [
  "kubernetes/pod-all-nics.yaml",
  "kubernetes/pod-host-network.yaml",
  "kubernetes/pod-named-nic.yaml",
  "kubernetes/pod-nic-class.yaml",
  "kubernetes/pod-one-nic.yaml",
] as const;

export const nadOf = (network: string): string => `kubernetes/${network}.yaml`;

/** Every file that the tests know. */
export const known: readonly string[] = [
  "README.md",
  ...networks.map((name) => `${name}.conf`),
  ...networks.map(nadOf),
  ...Object.keys(lists),
  ...dpuConfs,
  ...multusConfs,
  ...nodeFiles,
  classFile,
  ...pods,
];

/** Every file that is there, by its path from the folder. */
export function present(): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${parentPath}/${name}`.slice(folder.length).replace(/^\//, ""));
}

export const read = (path: string): string => readFileSync(`${folder}${path}`, "utf8");

export const readJson = <T = JsonObject>(path: string): T => JSON.parse(read(path)) as T;

export interface ConfList {
  readonly cniVersion: string;
  readonly name: string;
  readonly disableCheck?: boolean;
  readonly plugins: readonly JsonObject[];
}

/** The configurations of a list as a runtime hands them to the plugins: with its name and version in each. */
export function pluginsOf({ cniVersion, name, plugins }: ConfList): JsonObject[] {
  return plugins.map((plugin) => ({ ...plugin, cniVersion, name }));
}

/** An ADD with this configuration, past the checks of lib/cni. */
export function invocationOf(conf: JsonObject): Invocation {
  return {
    command: "ADD",
    cniVersion: String(conf.cniVersion),
    network: String(conf.name),
    containerId: "c1",
    netns: "/run/netns/pod",
    ifname: "net1",
    args: new Map([
      ["K8S_POD_NAMESPACE", "default"],
      ["K8S_POD_NAME", "shell"],
    ]),
    path: [],
    conf,
    env: {},
    log: noLog,
  };
}
