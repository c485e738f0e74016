import { join } from "node:path";
import type { Check, Scope } from "../check.ts";
import { cniBins } from "../cni-files.ts";
import { error, type Finding, note, warning } from "../finding.ts";
import type { Tree } from "../tree.ts";

/** Names of one file each: the executable, and the client that runs it. */
const names = [
  ["multi-nic-cni", "infra-dpu-cni", "multi-nic-concheck", "multi-nic-doctor", "multi-nicd"],
  ["multi-nic", "multi-nic-ipam"],
];
const again = "copy the executables of one release with cp --preserve=links, or run scripts/install.sh";

interface Executable {
  readonly name: string;
  readonly path: string;
  readonly sum: string | undefined;
}

/** Whether our executables on this node are whole, of one release, and the one that is meant. */
export const ownExecutables: Check = {
  id: "own-executables",
  title: "executables of this project",
  applies: ["node", "host", "dpu"],
  async run(tree, scope) {
    const found = cniBins(tree, scope).flatMap((bin) => names.map((each) => executablesIn(tree, bin, each)));
    return (await Promise.all(found.map((each) => judge(tree, scope, each)))).flat();
  },
};

function executablesIn(tree: Tree, bin: string, all: readonly string[]): readonly Executable[] {
  return all
    .map((name) => ({ name, path: join(bin, name) }))
    .filter(({ path }) => tree.stat(path)?.kind === "file")
    .map(({ name, path }) => ({ name, path, sum: tree.digest(path) }));
}

async function judge(tree: Tree, { sums }: Scope, found: readonly Executable[]): Promise<readonly Finding[]> {
  const [first] = found;
  if (first === undefined) return [];
  const differing = found.filter(({ sum }) => sum !== first.sum);
  const wrong = found.filter(({ name, sum }) => sums?.has(name) && sums.get(name) !== sum);
  return [
    ...differing.map(({ path, name }) =>
      warning(
        path,
        `is another file than ${first.path}`,
        `${name} and ${first.name} may be of different releases, and share one state database`,
        again,
      ),
    ),
    ...wrong.map(({ path, sum }) =>
      error(path, `has sha256 ${sum}, not that of SHA256SUMS`, "it is of another release, or damaged", again),
    ),
    ...(await versions(tree, [first, ...differing])),
  ];
}

async function versions(tree: Tree, found: readonly Executable[]): Promise<Finding[]> {
  const asked = found.map(async ({ path }) => {
    const output = await tree.output(path, ["--version"]);
    if ("stdout" in output)
      return [note(path, `is ${output.stdout.trim()}`, "the version that pods of this node are attached by")];
    // In a captured tree there is nothing to run.
    if (output.missing) return [];
    return [error(path, `does not run: ${output.failure}`, "no pod is attached by it", again)];
  });
  return (await Promise.all(asked)).flat();
}
