import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { describeWhere, linkKind, need } from "../live/kernel.ts";
import { whyNoNamespaces } from "../live/namespaces.ts";
import { makeBin } from "../scripts/quickstart/bin.ts";
import { outputsOf, project, readSteps, type Step, toScript } from "./steps.ts";

/** What each step prints, run one after another by one shell that stops at the first failure. */
function runSteps(steps: readonly Step[], bin: string): string[] {
  // cnitool keeps the results of ADD there.
  const prelude = "mkdir -p /var/lib/cni\nmount -t tmpfs cni /var/lib/cni\n";
  // `export CNI_PATH=$PWD/dist/linux-x64`, of this tree without a build.
  const input = prelude + toScript(steps).replace("$PWD/dist/linux-x64", bin);
  const isolate = `${project}/scripts/quickstart/isolate.sh`;
  const done = spawnSync(isolate, ["bash", "-eu", "-o", "pipefail"], {
    input,
    cwd: project,
    encoding: "utf8",
  });
  expect(done.status, done.stdout + done.stderr).toBe(0);
  return outputsOf(done.stdout);
}

/** Less what differs from run to run: MAC addresses, times, numbers of links, and the state of one just made. */
function lasting(output: string): unknown {
  const text = output
    .replace(/([0-9a-f]{2}:){5}[0-9a-f]{2}/g, "MAC")
    .replace(/[\d./]+ ms$/gm, "TIMES")
    .replace(/time \d+ms/g, "TIME")
    .replace(/@if\d+ +(UP|UNKNOWN)/g, "@if STATE")
    .replace(/ +$/gm, "")
    .trim();
  // One document, however it is laid out.
  return text.startsWith("{") && text.endsWith("}") ? JSON.parse(text) : text.replace(/ +/g, " ");
}

const steps = readSteps("by-hand.md");
const noNamespaces = whyNoNamespaces();
const needs = [need("namespaces", noNamespaces === undefined, noNamespaces ?? ""), linkKind("macvlan")];
const cnitool = need(
  "cnitool",
  spawnSync("cnitool", ["--help"]).error === undefined,
  "no cnitool on PATH: docs/by-hand.md says how to build it",
);

test("docs/by-hand.md has the sections and blocks that are run here", () => {
  const count = (title: string) => steps.filter(({ section }) => section === title).length;
  expect(count("A host and two pods")).toBe(3);
  expect(count("With nothing but a shell")).toBe(8);
  expect(count("With cnitool")).toBe(2);
  expect(count("Cleaning up")).toBe(1);
});

describeWhere(needs, "docs/by-hand.md", () => {
  const described = (title: string, sections: RegExp) =>
    test(title, () => {
      using bin = makeBin();
      const chosen = steps.filter(({ section }) => sections.test(section));
      const printed = runSteps(chosen, bin.path);
      const pairs = (outputs: readonly string[]) =>
        chosen.map(({ commands }, at) => ({ commands, prints: lasting(outputs[at] ?? "") }));
      expect(pairs(printed)).toEqual(pairs(chosen.map(({ prints }) => prints)));
    });

  described("prints with nothing but a shell what it says", /^(A host|With nothing|Cleaning up)/);
  describeWhere(cnitool, "and cnitool", () => {
    described("prints with cnitool what it says", /^(A host|With|Cleaning up)/);
  });
});
