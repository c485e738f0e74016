import { basename, dirname, join } from "node:path";
import type { Scope } from "./check.ts";
import { type ConfFile, cniConfs, confFiles, objectOf, typesIn } from "./cni-files.ts";
import type { Tree } from "./tree.ts";

/** Multus' configuration of a node. */
export interface Multus {
  readonly path: string;
  /** The file that Multus waits for; its path on the host */
  readonly indicator: string | undefined;
  /** The plugins of the delegate that every pod gets */
  readonly delegates: readonly string[];
}

/** Where a thick Multus keeps its daemon's configuration, beside the other one. */
const daemonConfig = "multus.d/daemon-config.json";

/** Multus' configuration in one of the runtimes' folders (00-multus.conf); undefined where the node has none. */
export function multusOf(tree: Tree, scope: Scope): Multus | undefined {
  for (const folder of cniConfs(tree, scope)) {
    const file = confFiles(tree, folder).find(({ name }) => name.startsWith("00-multus"));
    if (file?.content !== undefined) return ofFile(tree, file, file.content);
  }
  return undefined;
}

function ofFile(tree: Tree, { path }: ConfFile, content: NonNullable<ConfFile["content"]>): Multus {
  const daemon = objectOf(tree.text(join(dirname(path), daemonConfig)));
  const named = [content.readinessindicatorfile, daemon?.readinessindicatorfile, content.clusterNetwork];
  const indicator = named.find((value) => typeof value === "string" && value.startsWith("/"));
  const delegates = Array.isArray(content.delegates) ? content.delegates.flatMap(typesIn) : [];
  return { path, indicator: indicator === undefined ? undefined : onHost(String(indicator)), delegates };
}

/** A pod sees the host's files under /host or /hostroot. */
const onHost = (path: string) => path.replace(/^\/host(root)?\//, "/");

/** What Multus takes for the delegate: the first by name beside the indicator that is not its own. */
export function firstDelegate(tree: Tree, indicator: string): ConfFile | undefined {
  const files = confFiles(tree, dirname(indicator));
  return files.find(({ name }) => !name.startsWith("00-multus") && !basename(name).endsWith(".json"));
}
