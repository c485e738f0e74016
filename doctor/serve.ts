import { mkdirSync, readFileSync, statSync } from "node:fs";
import { UsageError } from "../lib/cli/arguments.ts";
import type { Scope } from "./check.ts";
import { type Command, parseCommand } from "./command-line.ts";
import { type Examined, examine } from "./examine.ts";
import { exitCodeOf } from "./finding.ts";
import { help } from "./help.ts";
import { openTree } from "./open-tree.ts";
import { capturedPrograms, runProgram } from "./programs.ts";
import { jsonReport, textOf } from "./report.ts";
import type { Tree } from "./tree.ts";

export interface Served {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

type Asked<V extends Command["verb"]> = Extract<Command, { verb: V }>;

/** Does what the arguments ask for, and gives what to print. Throws only defects. */
export async function serve(args: readonly string[], version: string): Promise<Served> {
  try {
    return await obey(parseCommand(args), version);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return {
      stdout: "",
      stderr: `multi-nic-doctor: ${error.message}\nmulti-nic-doctor --help says more\n`,
      exitCode: 64,
    };
  }
}

async function obey(command: Command, version: string): Promise<Served> {
  switch (command.verb) {
    case "help":
      return printed(help);
    case "version":
      return printed(`multi-nic-doctor ${version}\n`);
    case "examine":
      return await examined(command, version);
    case "manifests":
      return await (await import("./manifest/serve.ts")).serveManifests(command, version);
    case "explain":
      return await (await import("./explain/serve.ts")).serveExplain(command, version);
    case "plan-vfs":
      return await (await import("./vfs/serve.ts")).servePlan(command, version, treeOf(command.root));
  }
}

const printed = (stdout: string): Served => ({ stdout, stderr: "", exitCode: 0 });

async function examined(command: Asked<"examine">, version: string): Promise<Served> {
  const { json, root, sums, capture, verb, ...scope } = command;
  const full: Scope = sums === undefined ? scope : { ...scope, sums: readSums(sums) };
  const tree = treeOf(root);
  const found = await (capture === undefined ? examine(tree, full) : captured(tree, full, capture));
  const about = { doctor: version, role: scope.role, root };
  const stdout = json ? jsonReport(about, found) : textOf(found);
  return { stdout, stderr: "", exitCode: exitCodeOf(found.flatMap(({ findings }) => findings)) };
}

async function captured(tree: Tree, scope: Scope, folder: string): Promise<readonly Examined[]> {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    throw new UsageError(
      `--capture: "${folder}" cannot be made (${(error as NodeJS.ErrnoException).code}); name a new folder`,
    );
  }
  const { recording } = await import("./recording.ts");
  const record = recording(tree);
  const found = await examine(record.tree, scope);
  record.save(folder);
  return found;
}

/** The machine itself, where programs are run, or another root, where their output has been captured. */
function treeOf(root: string) {
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory())
    throw new UsageError(`--root: "${root}" is no folder`);
  return openTree(root, root === "/" ? runProgram : capturedPrograms(root));
}

function readSums(path: string): ReadonlyMap<string, string> {
  try {
    const lines = readFileSync(path, "utf8").trim().split("\n");
    return new Map(lines.map((line) => line.split(/\s+\*?/)).map(([sum = "", name = ""]) => [name, sum]));
  } catch (error) {
    throw new UsageError(`--sums: "${path}" cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
