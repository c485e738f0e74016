import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWhere } from "../live/kernel.ts";
import { type Dpu, dpuNeeds, type Fleet, makeFleet } from "../scripts/install/dpu.ts";
import { confPath, installNeeds, ovnConf } from "../scripts/install/tree.ts";
import { outputsOf, project, readSteps, toScript } from "./steps.ts";

const steps = readSteps("dpu.md");
const fixtures = join(project, "test/scripts/install/multus");

/** Stands in for oc, as there is no cluster: it has a Multus, and takes what it is told. */
const oc = `#!/bin/sh
case $* in
  *"daemonset/multus -o yaml") cat ${fixtures}/openshift-thick.yaml.txt ;;
  *"configmap/multus-daemon-config -o yaml") cat ${fixtures}/openshift-config.yaml.txt ;;
  *" -f "* | *" --patch-file "*) for file; do :; done && [ -s "$file" ] ;;
esac
`;
/** The addresses on the page, and those of the DPUs here. */
const addresses = { "192.168.123.191": "127.0.0.11", "192.168.123.163": "127.0.0.12" };
const replaceAll = (text: string, pairs: readonly (readonly string[])[]) =>
  pairs.reduce((replaced, [from = "", to = ""]) => replaced.replaceAll(from, to), text);

/** Less the times of day, how long it took, and how a table is laid out. */
function lasting(output: string): string {
  return output
    .replace(/^\d\d:\d\d:\d\d/gm, "TIME")
    .replace(/\(\d+ s\)/g, "(N s)")
    .replace(/^(\S+ +(?:installed|unchanged|removed|would be changed) +)\d+/gm, "$1N")
    .replace(/ +/g, " ")
    .replace(/ +$/gm, "")
    .trim();
}

test("docs/dpu.md has the sections that are run here", () => {
  expect([...new Set(steps.map(({ section }) => section))]).toEqual([
    "One DPU",
    "A fleet",
    "Option 1: a Multus of the DPUs' own",
    "Check",
    "After a reboot",
    "Upgrade",
    "Troubleshooting",
    "Removal",
  ]);
});

describeWhere([...dpuNeeds, ...installNeeds], "docs/dpu.md", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await makeFleet(2);
    for (const dpu of fleet.dpus) writeFileSync(dpu.path(confPath), ovnConf);
  });
  afterAll(() => fleet?.[Symbol.asyncDispose]());

  /** A checkout's folders, and commands that find the DPUs here, in a folder that may be written to. */
  const makeFolder = () => {
    const folder = join(fleet.folder, "provisioning");
    const commands = join(folder, "commands");
    mkdirSync(commands, { recursive: true });
    for (const each of ["dist", "deploy"]) symlinkSync(join(project, each), join(folder, each));
    const wrap = (name: string) => `#!/bin/sh\nexec /usr/bin/${name} -q -F ${fleet.sshConfig} "$@"\n`;
    for (const [name, text] of Object.entries({ ssh: wrap("ssh"), scp: wrap("scp"), oc })) {
      writeFileSync(join(commands, name), text);
      chmodSync(join(commands, name), 0o755);
    }
    return { folder, path: `${commands}:${process.env.PATH}` };
  };

  test("does what it says, and prints what it says", async () => {
    const { folder, path } = makeFolder();
    const script = replaceAll(toScript(steps), [
      ...Object.entries(addresses),
      ["linux-arm64", `linux-${process.arch}`],
    ]);
    const file = join(folder, "steps.sh");
    writeFileSync(file, script);
    const shell = `cd ${folder} && PATH=${path} exec bash -eu -o pipefail ${file} </dev/null`;
    const { exitCode, stdout, stderr } = await fleet.run("sh", ["-c", shell]);
    expect(exitCode, stdout + stderr).toBe(0);
    const back = Object.entries(addresses).map(([there, here]) => [here, there]);
    const outputs = outputsOf(replaceAll(stdout, [...back, [`linux-${process.arch}`, "linux-arm64"]]));
    // Where nothing is shown, what is printed is this machine's own.
    const pairs = (printed: readonly string[]) =>
      steps.flatMap(({ commands, prints }, at) =>
        prints === "" ? [] : [{ commands, prints: lasting(printed[at] ?? "") }],
      );
    expect(pairs(outputs)).toEqual(pairs(steps.map(({ prints }) => prints)));
    const holdsOurs = (dpu: Dpu) => existsSync(dpu.path("/var/lib/cni/bin/infra-dpu-cni"));
    expect(fleet.dpus.map(holdsOurs)).toEqual([false, false]);
  }, 180_000);
});
