import { writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { basename, join } from "node:path";
import { type BuildOptions, build, type Plugin, transform } from "esbuild";
import { packageJson, root, workPath } from "./project.ts";

/** A script of the executable: `name` is what other scripts require it by, less "./", `path` its file, ASCII only. */
export interface Script {
  readonly name: string;
  readonly path: string;
}

/**
 * plugins/main.ts as the script "main.js", and everything that is imported lazily in scripts of its own: what a
 * call does not need is neither read nor compiled. Shared modules come in scripts of their own as well.
 */
export async function bundleScripts(entry = join(root, "plugins/main.ts")): Promise<readonly Script[]> {
  const { outputFiles } = await build({
    ...shared,
    entryPoints: { main: entry },
    // esbuild splits ES modules only; toScript makes each of them a script.
    format: "esm",
    splitting: true,
    chunkNames: "[name]-[hash]",
    outdir: workPath(),
    write: false,
    define: { __VERSION__: JSON.stringify(packageJson.version), "import.meta.dirname": "__dirname" },
    plugins: [nodeGypBuildFromAsset, errnoInsteadOfOs],
  });
  return await Promise.all(outputFiles.map(({ path, text }) => toScript(path, text)));
}

/** An ES module as the function that loader.ts calls, whose imports are calls of its `require`. */
async function toScript(path: string, module: string): Promise<Script> {
  const { code } = await transform(module, {
    format: "cjs",
    target: shared.target,
    charset: shared.charset,
    // A script has no loader of modules: import() becomes a deferred require, as lazy as before.
    supported: { "dynamic-import": false },
  });
  await writeFile(path, `(function (exports, require, module, __filename, __dirname) {\n${code}})`, "latin1");
  return { name: basename(path), path };
}

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
