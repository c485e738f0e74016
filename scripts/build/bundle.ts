import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { buildPath, packageJson, root } from "./project.ts";
import { separatePackages } from "./separate-packages.ts";

/** A script of the executable: `name` is what the loader knows it by, `path` its file, ASCII only. */
export interface Script {
  readonly name: string;
  readonly path: string;
}

/** The script that plugins/main.ts becomes, and those of the packages loaded apart from it. */
export async function bundleScripts(entry = join(root, "plugins/main.ts")): Promise<readonly Script[]> {
  const scripts = [await bundle("main", { entryPoints: [entry], external: [...separatePackages] })];
  for (const name of separatePackages) {
    const contents = `export * from ${JSON.stringify(name)};`;
    scripts.push(await bundle(name, { stdin: { contents, resolveDir: root } }));
  }
  return scripts;
}

/** What runs first in the executable (loader.ts); it takes code caches only where it was built to. */
export async function bundleLoader(withCodeCache: boolean): Promise<string> {
  const outfile = buildPath("bundle", withCodeCache ? "loader-cached.cjs" : "loader.cjs");
  await build({
    ...shared,
    entryPoints: [join(root, "scripts/build/loader.ts")],
    outfile,
    define: { __CODE_CACHE__: String(withCodeCache) },
  });
  return outfile;
}

const shared = {
  bundle: true,
  platform: "node",
  target: "node24",
  format: "cjs",
  // The loader reads scripts as Latin-1, which V8 keeps as it is.
  charset: "ascii",
  legalComments: "none",
  logLevel: "warning",
} as const satisfies BuildOptions;

async function bundle(name: string, source: BuildOptions): Promise<Script> {
  const path = buildPath("bundle", `${name}.js`);
  await build({
    ...shared,
    ...source,
    outfile: path,
    // A script has no loader of modules: import() becomes a deferred require, as lazy as before.
    supported: { "dynamic-import": false },
    define: { __VERSION__: JSON.stringify(packageJson.version), "import.meta.dirname": "__dirname" },
    plugins: [nodeGypBuildFromAsset],
  });
  const wrapped = `(function (exports, require, module, __filename, __dirname) {\n${readFileSync(path, "latin1")}})`;
  writeFileSync(path, wrapped, "latin1");
  return { name, path };
}

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
