// Run by the Node that a code cache is for: compile.mjs make|check SCRIPT CACHE.
import { readFileSync, writeFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";

const [, , action, path, cache] = process.argv;
const source = readFileSync(path, "latin1");

if (action === "make") {
  // Compiles all functions, also those within others, which V8 otherwise does when they are first called. The
  // flag is put back before the cache is made, since a cache is checked against V8's flags.
  setFlagsFromString("--no-lazy");
  const script = new Script(source, { filename: path });
  setFlagsFromString("--lazy");
  writeFileSync(cache, script.createCachedData());
} else {
  const { cachedDataRejected } = new Script(source, { filename: path, cachedData: readFileSync(cache) });
  if (cachedDataRejected !== false) throw new Error(`V8 refuses the code cache ${cache}`);
}
