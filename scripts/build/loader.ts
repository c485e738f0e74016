import { getRawAsset } from "node:sea";
import { Script } from "node:vm";

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
  return name.startsWith("./") ? load(name.slice(2)) : require(name);
}

function load(name: string): object {
  const known = loaded.get(name);
  if (known !== undefined) return known.exports;
  const module = { exports: {} };
  loaded.set(name, module);
  const source = Buffer.from(getRawAsset(name)).toString("latin1");
  // V8 compiles the source where it does not take the cache: slower, and no different otherwise.
  const cache = __CODE_CACHE__ ? { cachedData: new Uint8Array(getRawAsset(`${name}.cache`)) } : {};
  const wrapper = new Script(source, { filename: name, ...cache }).runInThisContext() as Wrapper;
  wrapper(module.exports, requireScript, module, name, "");
  return module.exports;
}

load("main.js");
