import type { Check, Scope } from "../check.ts";
import { type ConfFile, cniBins, cniConfs, confFiles, isInstalled, typesIn } from "../cni-files.ts";
import { crioNetwork } from "../crio.ts";
import { error, type Finding, note, warning } from "../finding.ts";
import type { Tree } from "../tree.ts";

/** Whether a runtime finds a configuration that it can use, and what is wrong with the others. */
export const cniConf: Check = {
  id: "cni-conf",
  title: "CNI configurations",
  applies: ["node", "host", "dpu"],
  run: judge,
};

function judge(tree: Tree, scope: Scope): readonly Finding[] {
  const bins = cniBins(tree, scope);
  const folders = cniConfs(tree, scope).map((folder) => ({ folder, files: confFiles(tree, folder) }));
  const faults = folders.flatMap(({ files }) => files.flatMap((file) => faultsOf(tree, bins, file)));
  const found = [...faults, ...unseen(tree, bins, scope)];
  const sound = folders.filter(({ files }) => files.some((file) => faultsOf(tree, bins, file).length === 0));
  if (sound.length > 0) {
    const byName = awaited(tree, scope);
    const first = sound.filter(({ folder }) => folder !== byName?.folder);
    return [
      ...found,
      ...(byName === undefined ? [] : named(tree, byName)),
      ...first.flatMap(({ folder, files }) => chosen(tree, bins, folder, files)),
    ];
  }
  const where = folders.map(({ folder }) => folder).join(", ") || (scope.cniConf ?? "/etc/cni/net.d");
  const why = "the node stays NotReady (NetworkPluginNotReady): only pods with hostNetwork: true start";
  return [
    ...found,
    error(
      where,
      "no configuration can be used",
      why,
      "scripts/install.sh, or your network provider's own way",
    ),
  ];
}

/** What of CRI-O's folder calls plugins that are elsewhere than where CRI-O looks. Multus finds its delegates by itself. */
function unseen(tree: Tree, bins: readonly string[], { cniBin, cniConf }: Scope): Finding[] {
  const { networkDir, pluginDirs } = crioNetwork(tree);
  if (pluginDirs.length === 0 || cniBin !== undefined) return [];
  return confFiles(tree, cniConf ?? networkDir).flatMap(({ path, content }) => {
    const types = typesIn({ ...content, delegates: [] });
    const elsewhere = types.filter(
      (type) => isInstalled(tree, bins, type) && !isInstalled(tree, pluginDirs, type),
    );
    if (elsewhere.length === 0) return [];
    return [
      error(
        path,
        `calls ${elsewhere.join(", ")}, which CRI-O does not find: it looks in ${pluginDirs.join(", ")} only`,
        "CRI-O passes the file over, or each ADD fails",
        `install ${elsewhere.join(", ")} in ${pluginDirs[0]}, or add its folder to plugin_dirs; then systemctl restart crio`,
      ),
    ];
  });
}

/** The network that CRI-O takes by its name, where it is told one: ocicni looks for it in one folder, and waits for it. */
function awaited(tree: Tree, scope: Scope): Awaited | undefined {
  const { networkDir, defaultNetwork } = crioNetwork(tree);
  return defaultNetwork && { ...defaultNetwork, folder: scope.cniConf ?? networkDir };
}

interface Awaited {
  readonly name: string;
  readonly file: string;
  readonly folder: string;
}

function named(tree: Tree, { name, file, folder }: Awaited): Finding[] {
  const names = confFiles(tree, folder).flatMap(({ content }) => content?.name ?? []);
  if (names.includes(name)) return [];
  return [
    error(
      file,
      `cni_default_network is "${name}", and no configuration in ${folder} has that name (there are: ${names.join(", ") || "none"})`,
      "CRI-O waits for that network and takes no other: the node stays NotReady (NetworkPluginNotReady)",
      `write "name": "${name}" in the configuration, or cni_default_network = "" below [crio.network] in a later file of /etc/crio/crio.conf.d; then systemctl restart crio`,
    ),
  ];
}

/** Which one a runtime takes: the first by name that it can use. */
function chosen(tree: Tree, bins: readonly string[], folder: string, files: readonly ConfFile[]): Finding[] {
  const first = files.findIndex((file) => faultsOf(tree, bins, file).length === 0);
  if (first <= 0) return [];
  const why = `a runtime takes the first by name; it falls back to this one until those before it are mended`;
  return [note(`${folder}/${files[first]?.name}`, "is the first that can be used", why)];
}

function faultsOf(tree: Tree, bins: readonly string[], { path, name, content }: ConfFile): Finding[] {
  const skipped = "runtimes and Multus pass the file over";
  if (content === undefined)
    return [error(path, "is not a JSON object", skipped, `python3 -m json.tool ${path} names the place`)];
  const found: Finding[] = [];
  const version = content.cniVersion;
  if (typeof version !== "string" || !/^\d+\.\d+\.\d+$/.test(version))
    found.push(
      error(
        path,
        `cniVersion is ${JSON.stringify(version) ?? "missing"}, not of three parts`,
        skipped,
        `write "cniVersion": "0.4.0", or what its plugin answers to VERSION`,
      ),
    );
  if (typeof content.name !== "string" || content.name === "")
    found.push(error(path, "has no name", skipped, `write "name": "…"`));
  const isList = Array.isArray(content.plugins);
  if (isList !== name.endsWith(".conflist") && !name.endsWith(".json"))
    found.push(
      warning(
        path,
        isList ? "is a list in a .conf" : "is no list in a .conflist",
        skipped,
        `rename it, with the other ending`,
      ),
    );
  const types = typesIn(content);
  if (types.length === 0) found.push(error(path, "names no plugin", skipped, `write "type": "…"`));
  const lacking = types.filter((type) => !isInstalled(tree, bins, type));
  if (lacking.length > 0)
    found.push(
      error(
        path,
        `calls ${lacking.join(", ")}, which ${lacking.length > 1 ? "are" : "is"} not in ${bins.join(", ") || "any CNI folder"}`,
        skipped,
        `install ${lacking.join(", ")} there, or name the folder with --cni-bin`,
      ),
    );
  return found;
}
