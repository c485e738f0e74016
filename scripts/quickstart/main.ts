import { parseArgs } from "node:util";
import { demonstrate } from "./demonstrate.ts";
import { verdict } from "./report.ts";
import { renderText } from "./text.ts";

// Run through isolate.sh, whose namespaces end with this process, and with them all that it makes: no failure and no
// signal leaves anything behind.
for (const [signal, status] of [
  ["SIGHUP", 129],
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.on(signal, () => {
    console.error("quickstart: stopped; what it made is gone with it");
    process.exit(status);
  });
}

const { values } = parseArgs({ options: { bin: { type: "string" }, json: { type: "boolean" } } });

try {
  if (values.bin === undefined) throw new Error("--bin: missing; run scripts/quickstart.sh, which gives it");
  const report = await demonstrate(values.bin, (line) => console.error(`quickstart: ${line}`));
  const { ok, text } = verdict(report);
  console.log(values.json ? toJson({ ok, verdict: text, ...report }) : `\n${renderText(report)}`);
  if (!ok) fail(text);
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  if (values.json) console.log(toJson({ ok: false, verdict: text }));
  fail(text);
}

function toJson(report: object): string {
  return JSON.stringify(report, undefined, 2);
}

function fail(text: string): void {
  console.error(`quickstart: failed: ${text}`);
  process.exitCode = 1;
}
