import type { Check, Scope } from "../check.ts";
import { cniBins, isInstalled } from "../cni-files.ts";
import { error, type Finding, warning } from "../finding.ts";
import type { Tree } from "../tree.ts";

/** Whether there is a CNI folder, with loopback, which containerd calls for each pod, and on a DPU with infra-dpu-cni. */
export const cniFolder: Check = {
  id: "cni-folder",
  title: "CNI folder",
  applies: ["node", "host", "dpu"],
  run: judge,
};

function judge(tree: Tree, scope: Scope): readonly Finding[] {
  const bins = cniBins(tree, scope);
  if (bins.length === 0)
    return [
      error(
        scope.cniBin ?? "/opt/cni/bin",
        "there is no CNI folder",
        "no pod gets a network",
        "install a network provider, or name the folder with --cni-bin",
      ),
    ];
  const found = bins.flatMap((bin) => unfinished(tree, bin));
  if (scope.role !== "dpu" || isInstalled(tree, bins, "infra-dpu-cni")) return found;
  const why =
    "the node becomes Ready only with a plugin that answers for it, where OVN-Kubernetes runs in dpu mode";
  return [...found, error(bins[0] ?? "", "infra-dpu-cni is not installed", why, "scripts/install.sh")];
}

/** Plugins that cannot be run. Their names are in lower case, without an ending; sums, licences and an installer's temporary files are not. */
function unfinished(tree: Tree, bin: string): Finding[] {
  return tree.list(bin).flatMap((name) => {
    const path = `${bin}/${name}`;
    const found = tree.stat(path);
    if (!/^[a-z0-9_-]+$/.test(name) || found?.kind !== "file" || (found.mode & 0o111) !== 0) return [];
    return [
      warning(
        path,
        "is not executable",
        "a configuration that names it is passed over",
        `chmod 0755 ${path}`,
      ),
    ];
  });
}
