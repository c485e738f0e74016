import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { describeWhere } from "../../live/kernel.ts";
import { type Dpu, dpuNeeds, type Fleet, makeFleet } from "./dpu.ts";
import { standInRelease } from "./tree.ts";

const script = join(import.meta.dirname, "../../../scripts/install-fleet.sh");
const installed = "/var/lib/cni/bin/infra-dpu-cni";
const conf = "/run/multus/cni/net.d/10-ovn-kubernetes.conf";

describeWhere(dpuNeeds, "install-fleet.sh, to DPUs that run systemd and sshd", () => {
  let fleet: Fleet;
  let [a, b, c]: readonly Dpu[] = [];
  let dist: string;
  beforeAll(async () => {
    fleet = await makeFleet(3);
    dist = standInRelease(join(fleet.folder, "dist"));
    [a, b, c] = fleet.dpus;
  });
  afterAll(() => fleet?.[Symbol.asyncDispose]());
  beforeEach(() => rmSync(join(fleet.folder, "out"), { recursive: true, force: true }));

  const run = async (
    inventory: readonly string[],
    options: readonly string[] = [],
    install: string[] = [],
  ) => {
    const file = join(fleet.folder, "inventory");
    writeFileSync(file, `# DPUs\n${inventory.join("\n")}\n`);
    const out = join(fleet.folder, "out");
    const done = await fleet.run(script, [
      ...["--ssh-config", fleet.sshConfig, "--dist", dist, "--out", out, ...options, file, "--", ...install],
    ]);
    const report = existsSync(join(out, "report.json"))
      ? JSON.parse(readFileSync(join(out, "report.json"), "utf8"))
      : undefined;
    const results = report?.hosts.map(({ host, result }: { host: string; result: string }) => [host, result]);
    return { ...done, report, results, lines: done.stdout.replace(/^\d\d:\d\d:\d\d {2}/gm, "").split("\n") };
  };
  const everywhere = ["127.0.0.11", "core@127.0.0.12", "127.0.0.13  --keep auto # the last"];
  const all = (result: string) => everywhere.map((line) => [line.split(" ")[0], result]);
  const holdsOurs = (dpu: Dpu | undefined) => dpu !== undefined && existsSync(dpu.path(installed));

  test("installs on the first, then on the others, which then are as they should be", async () => {
    const { exitCode, results, lines, report, stderr } = await run(everywhere, ["--parallel", "2"]);
    expect({ exitCode, stderr, results }).toEqual({ exitCode: 0, stderr: "", results: all("installed") });
    expect(lines.slice(0, 2)).toEqual([
      "127.0.0.11: started",
      expect.stringMatching(/^127.0.0.11: installed \(\d+ s\)$/),
    ]);
    expect(report.hosts[0].report).toMatchObject({ result: "installed", exitCode: 0, flavor: "openshift" });
    for (const dpu of fleet.dpus) {
      expect(await dpu.shell(`CNI_COMMAND=VERSION ${installed} </dev/null`)).toMatchObject({ exitCode: 0 });
      expect(readFileSync(dpu.path(conf), "utf8")).toContain('"infra-dpu-cni"');
      expect(existsSync(dpu.path("/var/home/core/multi-nic-cni-fleet"))).toBe(false);
      expect(await dpu.shell("systemctl is-active multi-nic-cni-keep.path")).toMatchObject({
        stdout: "active",
      });
    }
  });

  test("a second run changes nothing, and a third that resumes asks no host", async () => {
    expect(await run(everywhere)).toMatchObject({ exitCode: 0, results: all("unchanged") });
    const again = await fleet.run(script, [
      ...["--ssh-config", "/dev/null", "--dist", dist, "--out", join(fleet.folder, "out"), "--resume"],
      ...[join(fleet.folder, "inventory"), "--"],
    ]);
    expect(again.exitCode).toBe(0);
    expect(again.stdout.match(/done before$/gm)).toHaveLength(3);
  });

  test("a first host that cannot be reached leaves the others alone, and says so", async () => {
    const { exitCode, results, lines } = await run(["127.0.0.99", "127.0.0.12"], [], ["--uninstall"]);
    expect({ exitCode, results }).toEqual({
      exitCode: 1,
      results: [
        ["127.0.0.99", "failed"],
        ["127.0.0.12", "not tried"],
      ],
    });
    expect(lines).toContain("the first has failed: the others are left alone");
    expect(lines.join("\n")).toMatch(/127\.0\.0\.99: failed \(\d+ s\): cannot be reached by ssh/);
    expect(readFileSync(join(fleet.folder, "out/127.0.0.99.log"), "utf8")).toContain("Connection refused");
    expect(holdsOurs(b)).toBe(true);
  });

  test("a dry run of the removal changes nothing", async () => {
    const dry = await run(everywhere, [], ["--uninstall", "--dry-run"]);
    expect(dry).toMatchObject({ exitCode: 0, results: all("would be changed") });
    expect(fleet.dpus.map(holdsOurs)).toEqual([true, true, true]);
  });

  test("a host that fails on the way stops those after it, and --resume does the rest", async () => {
    await b?.shell(`mount --bind ${installed} ${installed}`); // cannot be removed: EBUSY
    const first = await run(everywhere, ["--parallel", "1"], ["--uninstall"]);
    expect(first).toMatchObject({
      exitCode: 1,
      results: [
        ["127.0.0.11", "removed"],
        ["core@127.0.0.12", "failed"],
        ["127.0.0.13", "not tried"],
      ],
    });
    expect(first.report.hosts[1].message).toContain(`cannot remove ${installed}`);
    expect(first.report.hosts[1].report).toMatchObject({ result: "failed", exitCode: 1 });
    expect([a, b, c].map(holdsOurs)).toEqual([false, true, true]);
    await b?.shell(`umount ${installed}`);
    const again = await fleet.run(script, [
      ...["--ssh-config", fleet.sshConfig, "--dist", dist, "--out", join(fleet.folder, "out"), "--resume"],
      ...[join(fleet.folder, "inventory"), "--", "--uninstall"],
    ]);
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.stdout).toContain("127.0.0.11: done before");
    expect([a, b, c].map(holdsOurs)).toEqual([false, false, false]);
    expect(fleet.dpus.map((dpu) => existsSync(dpu.path(conf)))).toEqual([false, false, false]);
  });

  test("--canary names the first, and --continue goes on past one that fails", async () => {
    const rule = "/etc/sudoers.d/core";
    await b?.shell(`mv ${rule} /run/sudoers`);
    const { exitCode, results, lines, report } = await run(everywhere, [
      ...["--canary", "127.0.0.13", "--continue", "--parallel", "1"],
    ]);
    await b?.shell(`mv /run/sudoers ${rule}`);
    expect({ exitCode, results }).toEqual({
      exitCode: 1,
      results: [
        ["127.0.0.11", "installed"],
        ["core@127.0.0.12", "failed"],
        ["127.0.0.13", "installed"],
      ],
    });
    expect(lines.filter((line) => line.endsWith(": started"))).toEqual([
      "127.0.0.13: started",
      "127.0.0.11: started",
      "core@127.0.0.12: started",
    ]);
    expect(report.hosts[1].message).toContain("install.sh could not be run by sudo -n");
  });

  test("Ctrl-C ends the runs, says how far it was, and --resume does the rest", async () => {
    // install.sh waits for the lock of another.
    const lock = "/var/lib/multi-nic-cni/install";
    const hold = `mkdir -p ${lock} && setsid flock ${lock}/lock sh -c 'echo $$ >/run/holder; exec sleep 60'`;
    await b?.shell(`(${hold}) >/dev/null 2>&1 </dev/null &`);
    const file = join(fleet.folder, "inventory");
    const out = join(fleet.folder, "out");
    const options = ["--ssh-config", fleet.sshConfig, "--dist", dist, "--out", out, "--parallel", "1"];
    const { pid = 0, stdout, outcome } = fleet.start(script, [...options, file]);
    await new Promise<void>((resolve) => {
      stdout.on("data", (text) => String(text).includes("127.0.0.12: started") && resolve());
    });
    await vi.waitFor(
      async () => expect(await b?.shell("pgrep -f '[i]nstall.sh --from'")).toMatchObject({ exitCode: 0 }),
      {
        timeout: 20_000,
        interval: 50,
      },
    );
    // As a terminal does: to its foreground process group.
    process.kill(-pid, "SIGINT");
    expect(await outcome).toMatchObject({
      exitCode: 130,
      stderr: expect.stringContaining("interrupted; go on by --resume"),
    });
    const { hosts } = JSON.parse(readFileSync(join(out, "report.json"), "utf8"));
    expect(hosts.map(({ result }: { result: string }) => result)).toEqual([
      "unchanged",
      "interrupted",
      "not tried",
    ]);
    await b?.shell("kill $(cat /run/holder)");
    const again = await fleet.run(script, [...options, "--resume", file]);
    expect(again).toMatchObject({ exitCode: 0, stderr: "" });
    expect(again.stdout).toContain("127.0.0.11: done before");
    expect([a, b, c].map(holdsOurs)).toEqual([true, true, true]);
  });

  test.each([
    ["a host twice", ["127.0.0.11", "127.0.0.11"], '"127.0.0.11" is there twice'],
    ["words for a shell", ["127.0.0.11 $(reboot)"], '"$(reboot)": only letters'],
    ["an option of ssh for a host", ["-oProxyCommand=x"], "is no host"],
    ["nothing", [], "names no host"],
  ])("an inventory with %s is refused before any host is asked", async (_, inventory, message) => {
    const { exitCode, stderr } = await run(inventory);
    expect({ exitCode, stderr }).toEqual({ exitCode: 64, stderr: expect.stringContaining(message) });
  });
});
