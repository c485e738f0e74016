import { join } from "node:path";
import type { Scope } from "./check.ts";
import { crioNetwork } from "./crio.ts";
import type { Tree } from "./tree.ts";

/** CNI folders: OpenShift's, MicroShift's on ostree, everybody else's, and those of Debian's and RHEL's packages. */
const bins = ["/var/lib/cni/bin", "/run/cni/bin", "/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"];
/** Configuration folders: the runtimes', OpenShift's, and the one Multus takes its delegate from. */
const confs = ["/etc/cni/net.d", "/etc/kubernetes/cni/net.d", "/run/multus/cni/net.d"];

/** A file of a configuration folder that a runtime looks at, with what is wrong with it as JSON. */
export interface ConfFile {
  readonly path: string;
  readonly name: string;
  readonly content: Readonly<Record<string, unknown>> | undefined;
}

/** The CNI folders that are there, with those that CRI-O is told of. */
export function cniBins(tree: Tree, { cniBin }: Pick<Scope, "cniBin">): readonly string[] {
  return folders(tree, cniBin === undefined ? [...bins, ...crioNetwork(tree).pluginDirs] : [cniBin]);
}

/** The configuration folders that are there, with CRI-O's own. */
export function cniConfs(tree: Tree, { cniConf }: Pick<Scope, "cniConf">): readonly string[] {
  return folders(tree, cniConf === undefined ? [...confs, crioNetwork(tree).networkDir] : [cniConf]);
}

const folders = (tree: Tree, paths: readonly string[]) =>
  [...new Set(paths)].filter((path) => tree.stat(path)?.kind === "folder");

/** What libcni's ConfFiles takes of a folder, in the order in which runtimes try it. */
export function confFiles(tree: Tree, folder: string): readonly ConfFile[] {
  return tree
    .list(folder)
    .filter((name) => /\.(conf|conflist|json)$/.test(name))
    .map((name) => {
      const path = join(folder, name);
      return { path, name, content: objectOf(tree.text(path)) };
    });
}

/** A text's JSON object; undefined where it is none. */
export function objectOf(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  const value = jsonOf(text);
  return isObject(value) ? value : undefined;
}

/** A text's JSON; undefined where it is none. */
export function jsonOf(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The plugins that a configuration calls: its own, those of its list, those of Multus' delegates, and their IPAM. */
export function typesIn(conf: unknown): readonly string[] {
  if (!isObject(conf)) return [];
  const nested = [conf.plugins, conf.delegates].filter(Array.isArray).flat();
  const ipam = isObject(conf.ipam) && typeof conf.ipam.type === "string" ? [conf.ipam.type] : [];
  const own = typeof conf.type === "string" ? [conf.type] : [];
  return [...new Set([...own, ...ipam, ...nested.flatMap(typesIn)])].filter((type) => type !== "");
}

/** Whether a plugin is in one of the folders and may be run. A type with a separator is none. */
export function isInstalled(tree: Tree, bins: readonly string[], type: string): boolean {
  if (type.includes("/")) return false;
  return bins.some((bin) => {
    const found = tree.stat(join(bin, type));
    return found?.kind === "file" && (found.mode & 0o111) !== 0;
  });
}
