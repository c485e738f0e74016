import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { addonsFor, clientFor, compileNative } from "./addons.ts";
import { type Architecture, architectures, ownArchitecture } from "./architecture.ts";
import { baseNode } from "./base-node.ts";
import { bundleScripts, type Script } from "./bundle.ts";
import { codeCaches } from "./code-cache.ts";
import { makeExecutable } from "./executable.ts";
import { help, type Options, parseOptions } from "./options.ts";
import { Missing, note, sayNotes, step } from "./progress.ts";
import { root, workPath } from "./project.ts";
import { release, unreleased } from "./release.ts";

async function buildFor(architecture: Architecture, scripts: readonly Script[], out: string): Promise<void> {
  const folder = join(out, `linux-${architecture}`);
  const addons = addonsFor(architecture);
  const client = clientFor(architecture);
  const base = await step(`${architecture}: base Node`, () => baseNode(architecture));
  const caches = await step(`${architecture}: code cache`, () =>
    codeCaches(architecture, base, scripts, addons),
  );
  await step(`${architecture}: executable`, () =>
    makeExecutable({ architecture, base, scripts, caches, addons }, unreleased(folder)),
  );
  await step(`${architecture}: ${folder}`, () => release(folder, client));
}

async function build({ architecture, out }: Options): Promise<void> {
  mkdirSync(workPath(), { recursive: true });
  await step("native code", compileNative);
  const scripts = await step("bundle", () => bundleScripts());
  for (const each of architecture === undefined ? architectures : [architecture]) {
    try {
      await buildFor(each, scripts, out);
    } catch (error) {
      if (architecture !== undefined || each === ownArchitecture()) throw error;
      leaveOut(each, error, out);
    }
  }
  copyFileSync(join(root, "scripts/install-fleet.sh"), join(out, "install-fleet.sh"));
}

/** Only what another architecture lacks may be left out, never a defect; and an older build of it is said to be old. */
function leaveOut(architecture: Architecture, error: unknown, out: string): void {
  if (!(error instanceof Missing)) throw error;
  const old = join(out, `linux-${architecture}`);
  note(`${architecture} is left out: ${error.message}`);
  if (existsSync(old)) note(`${old} is of an earlier build`);
}

try {
  const options = parseOptions(process.argv.slice(2), root, process.cwd());
  if (options.help) console.log(help.trimEnd());
  else await build(options);
} catch (error) {
  console.error(`build.sh: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(workPath(), { recursive: true, force: true });
  sayNotes();
}
