import type { Check } from "../check.ts";
import { isObject, jsonOf } from "../cni-files.ts";
import { error, type Finding, warning } from "../finding.ts";
import type { Tree } from "../tree.ts";

const folder = "/run/multi-nic-cni";
/** What holds other plugins' configurations, as they were given: secrets, if there are any. */
const secret = ["", "/state.db", "/state.db-wal"];

/** Whether nobody else can read the state, and the node files say what ADD reads of them. */
export const stateFolder: Check = {
  id: "state-folder",
  title: "state folder and node files",
  applies: ["node", "host", "dpu"],
  run: (tree) => [...secret.flatMap((name) => open(tree, `${folder}${name}`)), ...nodeFiles(tree)],
};

function open(tree: Tree, path: string): Finding[] {
  const found = tree.stat(path);
  if (found === undefined || (found.mode & 0o077) === 0) return [];
  const why = "configurations of other plugins are kept in it as they were given";
  return [warning(path, `others may use it (mode ${found.mode.toString(8)})`, why, `chmod go= ${path}`)];
}

function nodeFiles(tree: Tree): Finding[] {
  const paths = tree.list(`${folder}/networks`).map((name) => `${folder}/networks/${name}`);
  return paths.filter((path) => path.endsWith(".json")).flatMap((path) => judge(tree, path));
}

function judge(tree: Tree, path: string): Finding[] {
  const why = "every ADD of this network fails";
  const mend = `write {"hostIndex": 0, "masters": [{"name": "eth1", "interfaceIndex": 0}]}, with the numbers of this node`;
  const content = jsonOf(tree.text(path));
  if (!isObject(content)) return [error(path, "is not a JSON object", why, mend)];
  const { hostIndex, masters } = content;
  if (hostIndex !== undefined && !(Number.isInteger(hostIndex) && Number(hostIndex) >= 0))
    return [error(path, `hostIndex is ${JSON.stringify(hostIndex)}`, why, mend)];
  if (masters !== undefined && !Array.isArray(masters)) return [error(path, "masters is no list", why, mend)];
  const names = (masters ?? []).flatMap((master) => (isObject(master) ? String(master.name) : []));
  return names
    .filter((name) => tree.link(`/sys/class/net/${name}`) === undefined)
    .map((name) =>
      error(path, `names master ${JSON.stringify(name)}, which is no link of this node`, why, mend),
    );
}
