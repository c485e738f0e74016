// Run by the Node that code caches are for: compile.mjs make|check [SCRIPT CACHE]...
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";

/** Compiles all functions, also those within others, which V8 otherwise does when they are first called. */
function make(source, filename) {
  setFlagsFromString("--no-lazy");
  const script = new Script(source, { filename });
  // Put back before the cache is made: a cache is checked against the flags it was made under.
  setFlagsFromString("--lazy");
  return script.createCachedData();
}

function check(source, filename, cachedData) {
  const { cachedDataRejected } = new Script(source, { filename, cachedData });
  if (cachedDataRejected !== false) throw new Error(`V8 refuses the code cache of ${filename}`);
}

const [, , action, ...files] = process.argv;
for (let i = 0; i < files.length; i += 2) {
  const [path, cache] = files.slice(i, i + 2);
  const source = readFileSync(path, "latin1");
  if (action === "check") check(source, path, readFileSync(cache));
  // One that is there was made by rehearse.mjs.
  else if (!existsSync(cache)) writeFileSync(cache, make(source, path));
}
