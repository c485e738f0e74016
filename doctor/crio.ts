import type { Tree } from "./tree.ts";

/** What CRI-O is told of CNI (crio.conf(5), table crio.network). */
export interface CrioNetwork {
  /** The folder of its configurations */
  readonly networkDir: string;
  /** Where it looks for plugins; empty where it is not told */
  readonly pluginDirs: readonly string[];
  /** The only network that it takes for pods, with the file that says so; undefined: the first by name */
  readonly defaultNetwork: { readonly name: string; readonly file: string } | undefined;
}

const folder = "/etc/crio";
const table = "crio.network";

/** CRI-O's files: crio.conf, then all of crio.conf.d by name, whatever their ending; each key is the last one's that has it. */
export function crioNetwork(tree: Tree): CrioNetwork {
  const dropIns = tree.list(`${folder}/crio.conf.d`).map((name) => `${folder}/crio.conf.d/${name}`);
  const keys = [`${folder}/crio.conf`, ...dropIns].flatMap((file) =>
    keysIn(tree.text(file) ?? "").map((each) => ({ ...each, file })),
  );
  const last = (key: string) => keys.findLast((each) => each.key === key);
  const [networkDir] = last("network_dir")?.strings ?? [];
  const network = last("cni_default_network");
  const [name] = network?.strings ?? [];
  return {
    networkDir: plain(networkDir || "/etc/cni/net.d"),
    pluginDirs: (last("plugin_dirs")?.strings ?? []).map(plain),
    defaultNetwork: network === undefined || !name ? undefined : { name, file: network.file },
  };
}

/** As the folders are named elsewhere: /var/run is a link to /run. */
const plain = (path: string) => path.replace(/^\/var\/run\//, "/run/").replace(/(.)\/+$/, "$1");

/**
 * The keys of crio.network in a file, with the strings of each value. It reads by lines, and knows of TOML what these
 * files are made of: table headers, `key = value`, strings in either quotes, arrays over several lines, comments. Keys with
 * dots or quotes, and strings of several lines, it does not read.
 */
function keysIn(text: string): { readonly key: string; readonly strings: readonly string[] }[] {
  const found: { key: string; strings: readonly string[] }[] = [];
  let inside = "";
  let open: { readonly key: string; readonly value: string } | undefined;
  for (const line of text.split("\n").map(withoutComment)) {
    const header = /^\[+([^\]]*)\]+$/.exec(line)?.[1]?.trim();
    if (open === undefined && header !== undefined) {
      inside = header;
      continue;
    }
    const [, key = "", start = ""] = /^(\w+)\s*=\s*(.*)$/.exec(line) ?? [];
    open = open === undefined ? { key, value: start } : { key: open.key, value: open.value + line };
    if (!isWhole(open.value)) continue;
    if (inside === table && open.key !== "") found.push({ key: open.key, strings: stringsIn(open.value) });
    open = undefined;
  }
  return found;
}

const strings = /"((?:[^"\\]|\\.)*)"|'([^']*)'/g;

const withoutComment = (line: string) =>
  line.replace(/("(?:[^"\\]|\\.)*"|'[^']*')|#.*/g, (_, string?: string) => string ?? "").trim();

/** Whether each bracket of a value has its other one. */
function isWhole(value: string): boolean {
  const brackets = value.replace(strings, "");
  return brackets.split("[").length <= brackets.split("]").length;
}

const stringsIn = (value: string) =>
  [...value.matchAll(strings)].map(([, double, single]) => double ?? single ?? "");
