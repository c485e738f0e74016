import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleScripts, type Script } from "../../scripts/build/bundle.ts";
import { workPath } from "../../scripts/build/project.ts";

let scripts: readonly Script[];
beforeAll(async () => {
  mkdirSync(workPath(), { recursive: true });
  scripts = await bundleScripts();
}, 120_000);
afterAll(() => rmSync(workPath(), { recursive: true }));

/** What takes milliseconds to load, and which script alone may have it. */
test.each([
  ["HTTP/2", /"(?:node:)?http2"/, ["pod-resources"]],
  ["protocol buffers", /class BinaryReader|BinaryReader = class/, ["pod-resources"]],
  ["gRPC", /GRPC_VERBOSITY/, ["pod-resources"]],
])("%s is only in the script that needs it", (_title, sign, names) => {
  const having = scripts.filter(({ path }) => sign.test(readFileSync(path, "latin1")));
  expect(having.map(({ name }) => name.replace(/-\w+\.js$/, ""))).toEqual(names);
});
