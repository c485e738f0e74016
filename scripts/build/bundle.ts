import { constants } from "node:os";
import { basename, join } from "node:path";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { packageJson, root, workPath } from "./project.ts";

/** A script of the executable: `name` is what other scripts require it by, less "./", `path` its file, ASCII only. */
export interface Script {
  readonly name: string;
  readonly path: string;
}

/**
 * plugins/main.ts as the script "main.js", and everything that is imported lazily as one script each: what a call
 * does not need is neither read nor compiled. What main.js shares with others is in scripts of its own, so that all
 * have the same classes; of what others share among themselves, each has a copy.
 */
export async function bundleScripts(entry = join(root, "plugins/main.ts")): Promise<readonly Script[]> {
  const { outputFiles, metafile } = await build({
    ...shared,
    entryPoints: { main: entry },
    // esbuild splits ES modules only; toScript joins the pieces again.
    format: "esm",
    splitting: true,
    chunkNames: "[name]-[hash]",
    outdir: workPath(),
    // Names in the metafile are relative to it.
    absWorkingDir: workPath(),
    metafile: true,
    write: false,
    define: { __VERSION__: JSON.stringify(packageJson.version), "import.meta.dirname": "__dirname" },
    plugins: [nodeGypBuildFromAsset, errnoInsteadOfOs, withoutProtoLoader],
  });
  const pieces = new Map(outputFiles.map(({ path, text }) => [basename(path), text]));
  const scripts = new Set([...staticallyReached("main.js", metafile), ...lazilyImported(metafile)]);
  return await Promise.all([...scripts].map((name) => toScript(name, pieces, scripts)));
}

function staticallyReached(name: string, metafile: Metafile, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  for (const { path, kind, external } of metafile.outputs[name]?.imports ?? []) {
    if (kind === "import-statement" && external !== true) staticallyReached(path, metafile, found);
  }
  return found;
}

function lazilyImported({ outputs }: Metafile): string[] {
  const imports = Object.values(outputs).flatMap((output) => output.imports);
  return imports.flatMap(({ path, kind, external }) =>
    kind === "dynamic-import" && external !== true ? [path] : [],
  );
}

/** A piece, with all it imports that is no script itself, as the function that loader.ts calls with a `require`. */
async function toScript(
  name: string,
  pieces: ReadonlyMap<string, string>,
  scripts: ReadonlySet<string>,
): Promise<Script> {
  const path = workPath(name);
  await build({
    ...shared,
    entryPoints: [`./${name}`],
    outfile: path,
    format: "cjs",
    // A script has no loader of modules: import() becomes a deferred require, as lazy as before.
    supported: { "dynamic-import": false },
    banner: { js: "(function (exports, require, module, __filename, __dirname) {" },
    footer: { js: "})" },
    plugins: [fromPieces(pieces, scripts)],
  });
  return { name, path };
}

const fromPieces = (pieces: ReadonlyMap<string, string>, scripts: ReadonlySet<string>): Plugin => ({
  name: "from-pieces",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\// }, ({ path, kind }) =>
      kind !== "entry-point" && scripts.has(basename(path))
        ? { path, external: true }
        : { path: basename(path), namespace: "piece" },
    );
    onLoad({ filter: /.*/, namespace: "piece" }, ({ path }) => ({ contents: pieces.get(path) ?? "" }));
  },
});

/** What runs first in the executable (loader.ts); it takes code caches only where it was built to. */
export async function bundleLoader(withCodeCache: boolean): Promise<string> {
  const outfile = workPath(withCodeCache ? "loader-cached.cjs" : "loader.cjs");
  await build({
    ...shared,
    entryPoints: [join(root, "scripts/build/loader.ts")],
    outfile,
    format: "cjs",
    define: { __CODE_CACHE__: String(withCodeCache) },
  });
  return outfile;
}

const shared = {
  bundle: true,
  platform: "node",
  target: "node24",
  // The loader reads scripts as Latin-1, which V8 keeps as it is.
  charset: "ascii",
  legalComments: "none",
  logLevel: "warning",
} as const satisfies BuildOptions;

/** The netlink package finds its addon by searching folders, which an executable has none of. */
const nodeGypBuildFromAsset: Plugin = {
  name: "node-gyp-build-from-asset",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node-gyp-build$/ }, ({ importer }) => {
      if (!importer.includes("/node_modules/netlink/"))
        return { errors: [{ text: "only netlink's is known" }] };
      return { path: "netlink", namespace: "asset" };
    });
    onLoad({ filter: /.*/, namespace: "asset" }, ({ path }) => ({
      contents: `
        const { loadAddon } = require("./lib/linux/addon.ts");
        module.exports = () => loadAddon(${JSON.stringify(path)});
      `,
      resolveDir: root,
    }));
  },
};

/** What grpc-js loads for servers that tell of themselves, with parsers for .proto files: half a megabyte. */
const withoutProtoLoader: Plugin = {
  name: "without-proto-loader",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@grpc\/proto-loader$/ }, ({ path }) => ({ path, namespace: "left-out" }));
    onLoad({ filter: /.*/, namespace: "left-out" }, ({ path }) => ({
      contents: `throw new Error("${path} is left out");`,
    }));
  },
};

/** All that netlink's raw.js takes of node:os, which costs an ADD 0.5 ms: it is in no start-up snapshot (docs/adr/0001). */
const errnoInsteadOfOs: Plugin = {
  name: "errno-instead-of-os",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^os$/ }, ({ importer }) =>
      importer.endsWith("/node_modules/netlink/dist/raw.js") ? { path: "os", namespace: "errno" } : undefined,
    );
    // asm-generic/errno.h: the same for x64 and arm64.
    const { EADDRINUSE } = constants.errno;
    onLoad({ filter: /.*/, namespace: "errno" }, () => ({
      contents: `exports.constants = ${JSON.stringify({ errno: { EADDRINUSE } })};`,
    }));
  },
};
