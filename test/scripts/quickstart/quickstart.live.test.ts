import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { describeWhere, linkKind, need } from "../../live/kernel.ts";
import { whyNoNamespaces } from "../../live/namespaces.ts";
import { makeBin } from "./bin.ts";

const project = fileURLToPath(new URL("../../../", import.meta.url));
const folders = new DisposableStack();

afterAll(() => folders.dispose());

const binOf = (script: string): string => folders.use(makeBin(script)).path;

const demonstration = (bin: string, ...options: readonly string[]): [string, string[]] => [
  `${project}scripts/quickstart/isolate.sh`,
  [process.execPath, `${project}scripts/quickstart/main.ts`, "--bin", bin, ...options],
];

/** What of the machine's own namespace could change. */
const machine = () =>
  [["netns", "list"], ["-o", "link"], ["rule"], ["route", "show", "table", "all"]].map((args) =>
    // The name of veth peers' namespaces is by a number that other tests may change.
    execFileSync("ip", args, { encoding: "utf8" }).replace(/ link-netns(id)? \S+/g, ""),
  );

const noNamespaces = whyNoNamespaces();
const needs = [need("namespaces", noNamespaces === undefined, noNamespaces ?? ""), linkKind("macvlan")];

describeWhere(needs, "the demonstration", () => {
  test("attaches both pods, has every ping answered, leaves nothing, and does not touch the machine", () => {
    const before = machine();
    const [program, args] = demonstration(binOf("exec $real"), "--json");
    const { stdout, stderr, status } = spawnSync(program, args, { encoding: "utf8" });
    expect(status, stderr).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ ok: true, verdict: "all 8 pings answered, nothing left behind" });
    expect(report.link).toBe(linkKind("ipvlan").met ? "ipvlan l3" : "macvlan bridge");
    expect(report.hosts.map(({ interfaces }: { interfaces: unknown[] }) => interfaces.length)).toEqual([
      2, 2,
    ]);
    expect(machine()).toEqual(before);
  });

  test.each([
    [
      "the plugin refuses an ADD",
      'if [ $CNI_COMMAND = ADD ]; then echo \'{"code":7,"msg":"no","details":"way"}\'; exit 1; fi; exec $real',
      "host-a: multi-nic ADD: no; way",
    ],
    ["the plugin is no program at all", "exit 3", "host-a: multi-nic VERSION: exit 3"],
    [
      "DEL does nothing",
      "[ $CNI_COMMAND = DEL ] || exec $real",
      /all 8 pings answered, left behind: .*pod-a: link net1-0.*host-a: attachment quickstart-pod-a net1; host-a: lease/s,
    ],
    [
      "an interface is down",
      'out=$($real); echo "$out"; [ $CNI_COMMAND != ADD ] || ip -n $(basename $CNI_NETNS) link set net1-1 down',
      /[1-8] of 8 pings not answered \(.*, nothing left behind/,
    ],
  ])("fails with what is wrong where %s", (_, script, complaint) => {
    const before = machine();
    const [program, args] = demonstration(binOf(script), "--json");
    const { stdout, stderr, status } = spawnSync(program, args, { encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toMatch(complaint);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, verdict: expect.stringMatching(complaint) });
    expect(machine()).toEqual(before);
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGKILL", null],
  ] as const)("leaves nothing when %s ends it in the midst of an ADD", async (signal, status) => {
    const before = machine();
    const [program, args] = demonstration(binOf("[ $CNI_COMMAND != ADD ] || sleep 2; exec $real"));
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    await untilItSays(child, "ADD:");
    child.kill(signal);
    const [code] = await once(child, "exit");
    expect(code).toBe(status);
    expect(machine()).toEqual(before);
  });
});

async function untilItSays(child: ChildProcess, words: string): Promise<void> {
  let said = "";
  for await (const chunk of child.stderr?.iterator({ destroyOnReturn: false }) ?? []) {
    said += chunk;
    if (said.includes(words)) return;
  }
  throw new Error(`it ended without saying "${words}": ${said}`);
}
