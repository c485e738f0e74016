import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { describeWhere } from "../live/kernel.ts";
import { ipBatch, makeNamespace, type Namespace } from "../live/namespaces.ts";
import { checked, command, concheck, run, until } from "./concheck.ts";
import { makePods, veth } from "./pods.ts";

const named = (pods: readonly Namespace[]) =>
  pods.flatMap(({ path }, place) => ["--netns", `p${place}=${path}`]);

describeWhere(veth, "multi-nic-concheck over namespaces", () => {
  let stack: DisposableStack;
  let pods: Namespace[];
  let folder: string;
  beforeAll(() => {
    stack = new DisposableStack();
    folder = mkdtempSync(join(tmpdir(), "concheck-"));
    stack.defer(() => rmSync(folder, { recursive: true }));
    pods = makePods(3, 2, stack);
  });
  afterAll(() => stack.dispose());
  /** Whatever a test did, nothing is left running or listening in the pods. */
  afterEach(() => {
    for (const pod of pods) {
      expect(run("ip", ["netns", "pids", pod.name])).toBe("");
      expect(pod.exec("ss", "-Hltnu")).toBe("");
    }
  });

  /** A program of this name before all others on the PATH. */
  function withProgram(name: string, script: string): Record<string, string> {
    const bin = mkdtempSync(join(folder, "bin-"));
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
    return { PATH: `${bin}:${process.env.PATH}` };
  }

  it("reaches every address of both families, and measures each", () => {
    const report = checked([...named(pods.slice(0, 2))]);
    expect(report).toMatchObject({ connected: 8, total: 8, exitCode: 0 });
    for (const { addresses } of report.networks.flatMap(({ rows }) => rows))
      for (const { bandwidth } of addresses)
        expect(bandwidth).toMatchObject({ bitsPerSecond: expect.any(Number) });
  });

  it("prints the table on stdout, and its progress on stderr", () => {
    const { status, stdout, stderr } = concheck([...named(pods), "--no-bandwidth"]);
    expect(status).toBe(0);
    expect(stdout.split("\n").filter((line) => / 4\/4 /.test(line))).toHaveLength(6);
    expect(stderr).toContain("concheck: network namespaces: probes: 24 of 24\n");
  });

  it("asks from within the pods: what has a pod's address elsewhere is not asked", () => {
    const elsewhere = makeNamespace("elsewhere");
    for (const pod of pods) pod.ip("link set net1 down");
    try {
      ipBatch(elsewhere, ["addr add 10.1.0.1/32 dev lo", "addr add 10.1.0.2/32 dev lo"]);
      const [first, second] = pods.map(({ path }, place) => `p${place}=${path},10.1.0.${place + 1}`);
      const args = ["--netns", first ?? "", "--netns", second ?? "", "--no-bandwidth", "--timeout=1"];
      const { stdout, stderr } = JSON.parse(
        run(process.execPath, ["-e", inNamespace, elsewhere.name, ...command, ...args]),
      );
      expect(stderr).toContain("probes: 2 of 2");
      expect(stdout.split("\n").filter((line: string) => / 0\/1 /.test(line))).toHaveLength(2);
    } finally {
      elsewhere[Symbol.dispose]();
      for (const [place, pod] of pods.entries())
        ipBatch(pod, ["link set net1 up", `addr replace fd01::${place + 1}/64 dev net1 nodad`]);
    }
  });

  it("says so where iperf3 is not installed, and checks all the same", () => {
    const { status, stderr } = concheck([...named(pods), "--quiet"], { PATH: "/nonexistent" });
    expect(status).toBe(0);
    expect(stderr).toContain("no bandwidths: iperf3 is not installed (Debian package iperf3)");
  });

  it.each([
    ["hangs", "case $1 in --version) ;; *) sleep 60 ;; esac", "no end in 6 s"],
    ["fails", 'case $1 in --version) ;; *) echo "it is broken" >&2; exit 1 ;; esac', "it is broken"],
    [
      "prints something else",
      'case $1 in --version) ;; -s) echo "Server listening"; sleep 60 ;; *) echo "<html>" ;; esac',
      "iperf3",
    ],
  ])("goes on where iperf3 %s", (_, script, failure) => {
    const report = checked(
      [...named(pods.slice(0, 2)), "--bandwidth-parallel=8"],
      withProgram("iperf3", script),
    );
    expect(report.exitCode).toBe(0);
    for (const { addresses } of report.networks.flatMap(({ rows }) => rows))
      for (const { bandwidth } of addresses)
        expect(bandwidth).toMatchObject({ failure: expect.stringContaining(failure) });
  });

  it("ends when the time is up: what was not asked is not connected", () => {
    const silent = pods.flatMap(({ path }, place) => ["--netns", `p${place}=${path},10.9.9.${place + 1}/16`]);
    const report = checked([...silent, "--no-bandwidth", "--parallel=1", "--max-time=1"]);
    expect(report).toMatchObject({ connected: 0, total: 6, exitCode: 1 });
  });

  it.each(["SIGINT", "SIGTERM"] as const)("leaves nothing behind at %s", async (signal) => {
    await using running = until([...named(pods), "--seconds=30"], "bandwidths: 0 of");
    await running.said;
    running.child.kill(signal);
    await expect(running.ended).resolves.toMatchObject({ code: signal === "SIGINT" ? 130 : 143 });
  });

  it.each([
    [
      "a namespace that is not there",
      ["--netns", "a=/run/netns/nothing-there", "--netns", "b=/proc/self/ns/net"],
      "pod a: there is no network namespace",
    ],
    [
      "a file that is no namespace",
      ["--netns", "a=/etc/hostname", "--netns", "b=/proc/self/ns/net"],
      "is not a network namespace",
    ],
    [
      "a namespace of another kind",
      ["--netns", "a=/proc/self/ns/uts", "--netns", "b=/proc/self/ns/net"],
      "is not a network namespace",
    ],
    [
      "a state folder that is not there",
      ["--state-dir", "/nothing/there"],
      "no pod is attached, by /nothing/there",
    ],
  ])("refuses %s, naming it", (_, args, message) => {
    const { status, stdout, stderr } = concheck(args);
    expect({ status, stdout }).toEqual({ status: 64, stdout: "" });
    expect(stderr).toContain(message);
    expect(existsSync("/nothing")).toBe(false);
  });

  it("refuses a pod without addresses, naming it", () => {
    const bare = makeNamespace("bare");
    try {
      const { status, stderr } = concheck([...named(pods), "--netns", `bare=${bare.path}`]);
      expect(status).toBe(64);
      expect(stderr).toContain("pod bare has no addresses");
    } finally {
      bare[Symbol.dispose]();
    }
  });
});

/** Runs a command in a namespace, and prints what it printed. */
const inNamespace = `
  const { spawnSync } = require("node:child_process");
  const ran = spawnSync("ip", ["netns", "exec", ...process.argv.slice(1)], { encoding: "utf8" });
  console.log(JSON.stringify({ stdout: ran.stdout, stderr: ran.stderr }));
`;

describeWhere(veth, "multi-nic-concheck with many pods", () => {
  it("all reach each other, each to each", () => {
    const count = 22;
    using stack = new DisposableStack();
    const pods = makePods(count, 1, stack);
    const withIpv4 = pods.flatMap(({ path }, place) => [
      "--netns",
      `p${place}=${path},10.0.0.${place + 1}/16`,
    ]);
    // A machine with other work takes longer than the 2 s that an answer has: what is asked is whether it comes.
    const report = checked([...withIpv4, "--no-bandwidth", "--timeout=30"]);
    expect(report).toMatchObject({ connected: count * (count - 1), exitCode: 0 });
  });
});
