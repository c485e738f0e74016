import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWhere, need } from "../../live/kernel.ts";
import { type Killer, makeKiller, sampled } from "./kills.ts";
import { binPath, confPath, installNeeds, openshift, ovnConf, standInDist, type Tree } from "./tree.ts";

const ours = readFileSync(
  join(import.meta.dirname, "../../../conf-templates/10-ovn-kubernetes.conf"),
  "utf8",
);
const inotify = need(
  "inotifywait",
  spawnSync("inotifywait", ["--help"]).error === undefined,
  "there is no inotifywait; scripts/install-packages.sh test",
);

describeWhere(installNeeds, "install.sh, killed at each of its steps", () => {
  let killer: Killer;
  beforeAll(() => {
    killer = makeKiller();
  });
  afterAll(() => killer[Symbol.dispose]());
  const killAt: Killer["killAt"] = (...how) => killer.killAt(...how);
  const holdOldOrNew = (tree: Tree) => {
    expect([ovnConf, ours]).toContain(tree.read(confPath));
    // What the configuration names is there, and whole.
    if (tree.read(confPath) === ours)
      expect(
        readFileSync(tree.path(binPath)).equals(readFileSync(join(standInDist(), "infra-dpu-cni"))),
      ).toBe(true);
  };

  test("before or after it: the old state or the new, and a second run completes it", () => {
    using whole = openshift();
    const steps = killAt(whole, 0, "after", []);
    const installed = whole.files();
    expect(steps).toBeGreaterThan(30);
    // Before one step is after the one before it, so every other one by turns is all of them.
    for (const at of sampled(steps)) {
      using tree = openshift();
      killAt(tree, at, at % 2 === 0 ? "before" : "after", []);
      holdOldOrNew(tree);
      const again = tree.install();
      expect({ at, exitCode: again.exitCode, stderr: again.stderr }).toEqual({ at, exitCode: 0, stderr: "" });
      expect(tree.files(), `killed at step ${at}`).toEqual(installed);
    }
  });

  test("and then taken away: what was there first is there again", () => {
    for (const at of sampled(44).length === 44 ? [12, 20, 28, 36] : [20]) {
      using tree = openshift();
      const before = tree.files();
      killAt(tree, at, "after", []);
      tree.install();
      tree.install(["--uninstall"]);
      expect(tree.files(), `killed at step ${at}, then removed`).toEqual(before);
    }
  });

  test("while it takes itself away: never a configuration without its plugin, and a second run completes it", () => {
    using whole = openshift();
    const before = whole.files();
    whole.install();
    const steps = killAt(whole, 0, "after", ["--uninstall"]);
    for (const at of sampled(steps)) {
      using tree = openshift();
      tree.install();
      killAt(tree, at, at % 2 === 0 ? "before" : "after", ["--uninstall"]);
      holdOldOrNew(tree);
      expect(tree.install(["--uninstall"])).toMatchObject({ exitCode: 0, stderr: "" });
      expect(tree.files(), `killed at step ${at}`).toEqual(before);
    }
  });
});

describeWhere(installNeeds, "install.sh on a node that cannot take it", () => {
  /** A shell in mounts of its own, so that nothing is left mounted. */
  const inMounts = (mount: string) => [
    "unshare",
    "--mount",
    "sh",
    "-c",
    `${mount} || exit 99; exec dash "$@"`,
    "sh",
  ];

  test.each([
    [
      "a read-only CNI folder",
      (tree: Tree) => readOnly(tree.path("/var/lib/cni/bin")),
      "/var/lib/cni/bin cannot be written",
    ],
    [
      "a read-only configuration folder",
      (tree: Tree) => readOnly(tree.path("/run/multus/cni/net.d")),
      "net.d cannot be written",
    ],
    [
      "a read-only folder of units",
      (tree: Tree) => readOnly(tree.path("/etc/systemd/system")),
      "system cannot be written",
    ],
    [
      "a read-only state folder",
      (tree: Tree) => readOnly(tree.path("/var/lib/multi-nic-cni")),
      "cannot make the folder",
    ],
    [
      "a full disk for the executables",
      (tree: Tree) => full(tree.path("/var/lib/cni/bin"), "8k"),
      "No space left on device",
    ],
    [
      "a full disk for the configuration",
      (tree: Tree) => full(tree.path("/run/multus/cni/net.d"), "4k", ovnConf),
      "No space left on device",
    ],
    [
      "a full disk for the state",
      (tree: Tree) => full(tree.path("/var/lib/multi-nic-cni"), "4k"),
      "No space left on device",
    ],
  ])("%s: says so, and changes nothing", (_, mount, message) => {
    using tree = openshift();
    mkdirSync(tree.path("/var/lib/multi-nic-cni"));
    const before = tree.files();
    const run = tree.install([], inMounts(mount(tree)));
    expect(run, run.stderr).toMatchObject({ exitCode: 2, report: { result: "refused" } });
    expect(run.stderr).toContain(message);
    expect(tree.files()).toEqual(before);
    expect(existsSync(tree.path(binPath))).toBe(false);
  });

  const readOnly = (folder: string) =>
    `mount --bind "${folder}" "${folder}" && mount -o remount,bind,ro "${folder}"`;
  /** A file system of so many bytes, with no page left, and OVN-Kubernetes' configuration if it is to be there. */
  const full = (folder: string, size: string, conf = "") =>
    `mount -t tmpfs -o size=${size} tmpfs "${folder}" && printf %s '${conf.trim()}' >"${folder}/10-ovn-kubernetes.conf"`;
});

describeWhere([...installNeeds, inotify], "install.sh, watched as thick Multus watches the folder", () => {
  const watch = async (tree: Tree): Promise<{ watcher: ChildProcess; events: string[] }> => {
    const folder = tree.path("/run/multus/cni/net.d");
    const watcher = spawn("inotifywait", ["--monitor", "--format", "%e %f", folder], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const events: string[] = [];
    let rest = "";
    watcher.stdout.on("data", (text) => {
      const lines = `${rest}${text}`.split("\n");
      rest = lines.pop() ?? "";
      events.push(...lines);
    });
    await new Promise<void>((resolve) => {
      watcher.stderr.on("data", (text) => String(text).includes("Watches established") && resolve());
    });
    return { watcher, events };
  };
  /** What happened to files that a runtime or Multus would take for configurations. */
  const onConfs = (events: readonly string[]) =>
    events.filter(
      (event) => /\.(conf|conflist|json)$/.test(event) && !/^(OPEN|ACCESS|CLOSE_NOWRITE)/.test(event),
    );

  test.each([
    ["installs", [], []],
    ["installs over an earlier one", ["installed"], []],
    ["takes itself away", ["installed"], ["--uninstall"]],
  ])(
    "it %s by a rename over the file: it never vanishes, and is never seen in part",
    async (_, prior, options) => {
      using tree = openshift();
      if (prior.length > 0) tree.install();
      if (prior.length > 0 && options.length === 0) tree.write("/new.conf", ours.replace("0.4.0", "1.0.0"));
      const { watcher, events } = await watch(tree);
      tree.install([
        ...options,
        ...(existsSync(tree.path("/new.conf")) ? ["--conf", tree.path("/new.conf")] : []),
      ]);
      await setTimeout(100);
      watcher.kill();
      // Also ATTRIB of the file renamed away: its last link is gone.
      expect(onConfs(events).filter((event) => !event.startsWith("ATTRIB"))).toEqual([
        "MOVED_TO 10-ovn-kubernetes.conf",
      ]);
    },
  );

  test("an earlier way, remove and copy, is what this test would catch", async () => {
    using tree = openshift();
    const { watcher, events } = await watch(tree);
    execFileSync("sh", ["-c", 'rm "$0" && cp /etc/hostname "$0"', tree.path(confPath)]);
    await setTimeout(100);
    watcher.kill();
    expect(onConfs(events)).toContain("DELETE 10-ovn-kubernetes.conf");
  });
});
