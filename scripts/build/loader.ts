import { getRawAsset } from "node:sea";
import { Script } from "node:vm";
import { separatePackages } from "./separate-packages.ts";

/**
 * The main script of the executable. Compiles the scripts that scripts/build/bundle.ts made, each on the first
 * require of its name, from a code cache that holds every function of it. The one Node makes for a main script
 * (useCodeCache) holds only what is compiled before anything runs.
 */

declare const __CODE_CACHE__: boolean;
declare const require: (name: string) => unknown;

type Wrapper = (
  exports: object,
  require: (name: string) => unknown,
  module: { exports: object },
  filename: string,
  dirname: string,
) => void;

const loaded = new Map<string, { exports: object }>();

function requireScript(name: string): unknown {
  return separatePackages.includes(name) ? load(name) : require(name);
}

function load(name: string): object {
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const module = { exports: {} };
  loaded.set(name, module);
  const filename = `${name}.js`;
  const source = Buffer.from(getRawAsset(filename)).toString("latin1");
  // V8 compiles the source where it does not take the cache: slower, and no different otherwise.
  const cache = __CODE_CACHE__ ? { cachedData: new Uint8Array(getRawAsset(`${name}.cache`)) } : {};
  const wrapper = new Script(source, { filename, ...cache }).runInThisContext() as Wrapper;
  wrapper(module.exports, requireScript, module, filename, "");
  return module.exports;
}

load("main");
