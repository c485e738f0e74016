// Run by the Node that code caches are for, with the environment and the stdin of a call:
// rehearse.mjs PLUGIN NETNS-ADDON [SCRIPT CACHE]...
// Serves the call as the executable does, but on a willing kernel, and leaves in the caches what they held
// before and every function that ran.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import { Script } from "node:vm";
import { NativeNetlink } from "./willing-kernel.mjs";

const [, , plugin, netnsAddon, ...files] = process.argv;
const require = createRequire(import.meta.url);
const sea = { isSea: () => true, getRawAsset };

/** Of each script by its name. */
const paths = new Map();
const caches = new Map();
for (let i = 0; i < files.length; i += 2) {
  const name = basename(files[i]);
  paths.set(name, files[i]);
  caches.set(name, files[i + 1]);
}
const scripts = new Map();
const modules = new Map();

function load(name) {
  const known = modules.get(name);
  if (known !== undefined) return known.exports;
  const module = { exports: {} };
  modules.set(name, module);
  const cache = caches.get(name);
  const cached = existsSync(cache) ? { cachedData: readFileSync(cache) } : {};
  const script = new Script(readFileSync(paths.get(name), "latin1"), { filename: name, ...cached });
  scripts.set(name, script);
  script.runInThisContext()(module.exports, requireFromScript, module, name, "");
  return module.exports;
}

function requireFromScript(name) {
  if (name === "node:sea") return sea;
  return name.startsWith("./") ? load(name.slice(2)) : require(name);
}

/** Addons are asked for by the name of their asset, and then loaded from a file that has no name. */
let asset = "";
function getRawAsset(name) {
  asset = name;
  return new ArrayBuffer(1);
}

const { dlopen } = process;
process.dlopen = (target) => {
  if (asset === "netlink.node") {
    target.exports = { NativeNetlink };
    return;
  }
  dlopen.call(process, target, netnsAddon);
  // Entering a namespace takes root, and there is none to enter.
  target.exports = { ...target.exports, setns: () => 0, isNetns: () => 1 };
};

process.on("exit", () => {
  for (const [name, script] of scripts) writeFileSync(caches.get(name), script.createCachedData());
});

// plugins/main.ts takes its first argument for the plugin, as it is called by Node's name.
process.argv = [process.argv0, "", plugin];
load("main.js");
