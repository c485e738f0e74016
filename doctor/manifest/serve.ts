import { readFileSync } from "node:fs";
import { UsageError } from "../../lib/cli/arguments.ts";
import type { Command } from "../command-line.ts";
import type { Examined } from "../examine.ts";
import { exitCodeOf } from "../finding.ts";
import { jsonReport, textOf } from "../report.ts";
import type { Served } from "../serve.ts";
import { readManifests } from "./read.ts";
import { rules } from "./rules.ts";

type Asked = Extract<Command, { verb: "manifests" }>;
export interface Source {
  readonly file: string;
  readonly text: string;
}

/** Reads all the files as one set, and judges it. */
export async function serveManifests({ files, json }: Asked, version: string): Promise<Served> {
  const examined = lint(files.map((file) => ({ file: file === "-" ? "stdin" : file, text: textIn(file) })));
  const stdout = json ? jsonReport({ doctor: version, files }, examined) : textOf(examined);
  return { stdout, stderr: "", exitCode: exitCodeOf(examined.flatMap(({ findings }) => findings)) };
}

function textIn(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new UsageError(`manifests: "${file}" cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** What every rule finds in a set of YAML texts; what is wrong as YAML comes first. */
export function lint(sources: readonly Source[]): readonly Examined[] {
  const reads = sources.map(({ file, text }) => readManifests(file, text));
  const manifests = reads.flatMap((read) => read.manifests);
  const reading = {
    id: "yaml",
    title: "YAML and its indentation",
    findings: reads.flatMap((read) => read.findings),
  };
  const judged = rules.map(({ id, title, run }) => ({
    id,
    title,
    findings: run(manifests).map((finding) => ({ ...finding, check: id })),
  }));
  return [reading, ...judged];
}
