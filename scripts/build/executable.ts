import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { exec } from "@yao-pkg/pkg";
import type { Architecture } from "./architecture.ts";
import { type BaseNode, pkgHome } from "./base-node.ts";
import { bundleLoader, type Script } from "./bundle.ts";
import type { CodeCaches } from "./code-cache.ts";
import { run } from "./command.ts";
import { nodeFlags, v8Flags } from "./exec-argv.ts";
import { workPath } from "./project.ts";

export interface Parts {
  readonly architecture: Architecture;
  readonly base: BaseNode;
  readonly scripts: readonly Script[];
  readonly caches: CodeCaches | undefined;
  /** Asset name to file, of the native addons. */
  readonly addons: ReadonlyMap<string, string>;
}

/** Makes the executable at `output` (absolute), mode 0755. */
export async function makeExecutable(parts: Parts, output: string): Promise<void> {
  const loader = await bundleLoader(parts.caches !== undefined);
  const blob = makeBlob(parts, loader);
  mkdirSync(dirname(output), { recursive: true });
  // pkg takes its own folder from HOME, and says on stdout what it is doing.
  const { HOME } = process.env;
  const { log } = console;
  process.env.HOME = pkgHome;
  console.log = () => {};
  try {
    await exec({
      input: loader,
      sea: true,
      targets: [`node${parts.base.version}-linux-${parts.architecture}`],
      output,
      postBuild: (made) => inject(parts.base, blob, made),
    });
  } finally {
    console.log = log;
    if (HOME === undefined) delete process.env.HOME;
    else process.env.HOME = HOME;
  }
}

/** What Node finds in the executable: the loader, its assets and flags. pkg hands on neither of the latter two. */
function makeBlob({ architecture, scripts, caches, addons }: Parts, loader: string): string {
  const output = workPath(`${architecture}.blob`);
  const config = workPath(`${architecture}.json`);
  const assets = Object.fromEntries([
    ...scripts.map(({ name, path }) => [name, path]),
    ...[...(caches ?? [])].map(([name, path]) => [`${name}.cache`, path]),
    ...addons,
  ]);
  const seaConfig = {
    main: loader,
    output,
    disableExperimentalSEAWarning: true,
    execArgv: [...v8Flags, ...nodeFlags],
    // NODE_OPTIONS of whoever calls a CNI plugin is not meant for it.
    execArgvExtension: "none",
    assets,
  };
  writeFileSync(config, JSON.stringify(seaConfig));
  // The blob is the Node version's own, but not the architecture's: this process runs the same version.
  run(process.execPath, ["--experimental-sea-config", config]);
  return output;
}

/** A fresh copy of the base, since a second blob beside pkg's would leave the first one in the file. */
async function inject(base: BaseNode, blob: string, executable: string): Promise<void> {
  copyFileSync(base.path, executable);
  await withoutElfWarnings(() =>
    postject().inject(executable, "NODE_SEA_BLOB", readFileSync(blob), { sentinelFuse }),
  );
}

/** In two parts, as Node looks for exactly one of it in the executable (pkg's lib-es5/sea.js). */
const sentinelFuse = `NODE_SEA${"_FUSE"}_fce680ab2cc467b6e072b8b5df1996b2`;

interface Postject {
  inject(file: string, name: string, data: Buffer, options: { sentinelFuse: string }): Promise<void>;
}

/** The one that pkg itself injects with. */
function postject(): Postject {
  const fromProject = createRequire(import.meta.url);
  const fromPkg = createRequire(fromProject.resolve("@yao-pkg/pkg"));
  return fromPkg("postject") as Postject;
}

/** postject says of every Node that it cannot find the names of some sections; its program headers are what counts. */
async function withoutElfWarnings(injecting: () => Promise<void>): Promise<void> {
  const { stderr } = process;
  const write = stderr.write;
  stderr.write = ((text: string | Uint8Array, ...rest: never[]) =>
    /^warning: Can't find string offset/.test(String(text)) ||
    write.call(stderr, text, ...rest)) as typeof write;
  try {
    await injecting();
  } finally {
    stderr.write = write;
  }
}
