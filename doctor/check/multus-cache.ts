import type { Check, Role, Scope } from "../check.ts";
import { cniBins, isInstalled, isObject, jsonOf, typesIn } from "../cni-files.ts";
import { error, type Finding, warning } from "../finding.ts";
import { mostText, type Tree } from "../tree.ts";

const multus = "/var/lib/cni/multus";
const results = "/var/lib/cni/results";
/** The plugin whose server does not run where OVN-Kubernetes is in dpu mode. */
const overlay = "ovn-k8s-cni-overlay";

/** An attachment that Multus or libcni recorded, and will replay at its DEL. */
interface Cached {
  readonly path: string;
  readonly container: string;
  readonly types: readonly string[];
  readonly netns: string | undefined;
}

/** Whether attachments were recorded whose DEL cannot succeed, or whose pod is gone. */
export const multusCache: Check = {
  id: "multus-cache",
  title: "attachments cached by Multus and the runtime",
  applies: ["node", "host", "dpu"],
  run(tree, scope) {
    const bins = cniBins(tree, scope);
    const cached = [...multusCached(tree), ...runtimeCached(tree)];
    return [...torn(tree), ...cached.flatMap((each) => judge(tree, bins, scope, each))];
  },
};

/** One file a container, of the delegates' configurations (multus-cni, saveDelegates). */
function multusCached(tree: Tree): Cached[] {
  return tree.list(multus).flatMap((container) => {
    const path = `${multus}/${container}`;
    const delegates = jsonOf(tree.text(path));
    if (!Array.isArray(delegates)) return [];
    // Each is a Go struct with the configuration under "Conf" or "ConfList".
    const confs = delegates.flatMap((each) => (isObject(each) ? [each, each.Conf, each.ConfList] : []));
    return [{ path, container, types: [...new Set(confs.flatMap(typesIn))], netns: undefined }];
  });
}

/** libcni's own cache: <network>-<container>-<ifname>, with the configuration in base64 (libcni, cachedInfo). */
function runtimeCached(tree: Tree): Cached[] {
  return tree.list(results).flatMap((name) => {
    const path = `${results}/${name}`;
    const entry = jsonOf(tree.text(path));
    if (!isObject(entry) || typeof entry.containerId !== "string") return [];
    const conf = typeof entry.config === "string" ? Buffer.from(entry.config, "base64").toString("utf8") : "";
    const netns = typeof entry.netns === "string" && entry.netns !== "" ? entry.netns : undefined;
    return [{ path, container: entry.containerId, types: typesIn(jsonOf(conf)), netns }];
  });
}

/** libcni writes in place: what ends it meanwhile, or a full disk, leaves an empty file, and its DEL reads that first. */
function torn(tree: Tree): Finding[] {
  const paths = tree.list(results).map((name) => `${results}/${name}`);
  return paths
    .filter((path) => tree.stat(path)?.kind === "file" && isTorn(tree.text(path) ?? ""))
    .map((path) =>
      error(
        path,
        "the runtime ended, or its disk was full, while it wrote this: it is no JSON object",
        "each DEL of its pod fails before a plugin is called: the pod stays Terminating",
        `rm ${path}; the next DEL succeeds without it`,
      ),
    );
}

const isTorn = (text: string) => Buffer.byteLength(text) < mostText && !isObject(jsonOf(text));

function judge(tree: Tree, bins: readonly string[], { role }: Scope, each: Cached): Finding[] {
  const lacking = each.types.filter((type) => !isInstalled(tree, bins, type));
  if (lacking.length > 0)
    return [
      error(
        each.path,
        `container ${each.container} was attached by ${lacking.join(", ")}, which is not installed`,
        "its DEL fails, and is repeated for ever: the pod stays Terminating",
        `install ${lacking.join(", ")} until the pod is gone; where no such pod is left (crictl pods), rm ${each.path}`,
      ),
    ];
  if (hasLostServer(role, each))
    return [
      warning(
        each.path,
        `container ${each.container} was attached by ${overlay}`,
        "its server does not run in dpu mode: its DEL fails, and the pod stays Terminating",
        "drain pods with a pod network before OVN-Kubernetes goes to dpu mode: kubectl drain --ignore-daemonsets $(hostname)",
      ),
    ];
  if (each.netns === undefined || tree.stat(each.netns) !== undefined) return [];
  return [
    warning(
      each.path,
      `container ${each.container} has no network namespace ${each.netns} any more`,
      "its addresses stay taken until it is deleted",
      `crictl pods; where it is not listed: rm ${each.path}`,
    ),
  ];
}

const hasLostServer = (role: Role, { types }: Cached) => role === "dpu" && types.includes(overlay);
