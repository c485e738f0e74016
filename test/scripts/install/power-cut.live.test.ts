import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeWhere } from "../../live/kernel.ts";
import { type Killer, makeKiller, powerCut, sampled } from "./kills.ts";
import {
  confPath,
  installNeeds,
  makeTree,
  openshift,
  ovnConf,
  standInDist,
  state,
  type Tree,
} from "./tree.ts";

/** A node of which a power cut empties /run: with the configuration there, or with the executable. */
interface Kind {
  readonly name: string;
  readonly conf: string;
  readonly executable: string;
  make(): Tree;
}
const kinds: readonly Kind[] = [
  {
    name: "OpenShift, whose configuration is on tmpfs",
    conf: confPath,
    executable: "/var/lib/cni/bin/infra-dpu-cni",
    make: () => openshift(),
  },
  {
    name: "MicroShift, whose executables are on tmpfs",
    conf: "/etc/cni/net.d/10-ovn-kubernetes.conf",
    executable: "/run/cni/bin/infra-dpu-cni",
    make: () => {
      const tree = makeTree();
      for (const folder of ["/etc/microshift", "/etc/systemd/system", "/run/cni/bin"])
        mkdirSync(tree.path(folder), { recursive: true });
      tree.write("/etc/crio/crio.conf.d/x.conf", '[crio.network]\nplugin_dirs = ["/run/cni/bin"]\n');
      tree.write("/etc/cni/net.d/10-ovn-kubernetes.conf", ovnConf);
      return tree;
    },
  },
];

describeWhere(installNeeds, "install.sh, at a power cut, which empties tmpfs", () => {
  let killer: Killer;
  beforeAll(() => {
    killer = makeKiller();
  });
  afterAll(() => killer[Symbol.dispose]());
  const when = (at: number) => (at % 2 === 0 ? "before" : "after");

  describe.each(kinds)("on $name", ({ conf, executable, make }) => {
    const isOurs = (tree: Tree) =>
      existsSync(tree.path(conf)) && tree.read(conf).includes('"type": "infra-dpu-cni"');
    const isWhole = (tree: Tree) =>
      existsSync(tree.path(executable)) &&
      readFileSync(tree.path(executable)).equals(readFileSync(join(standInDist(), "infra-dpu-cni")));
    /** The old state, of which a boot may have taken what is on tmpfs, or the new. */
    const holdOldOrNew = (tree: Tree, at: number) => {
      if (isOurs(tree)) expect(isWhole(tree), `the plugin after step ${at}`).toBe(true);
      else if (existsSync(tree.path(conf))) expect(tree.read(conf), `after step ${at}`).toBe(ovnConf);
      else expect(conf, `after step ${at}`).toMatch(/^\/run\//);
    };
    /** All but what a boot may have taken. */
    const lasting = (tree: Tree) =>
      Object.entries(tree.files()).filter(([path]) => !path.startsWith("/run/"));
    const holdRemoved = (tree: Tree, before: ReturnType<typeof lasting>, at: number) => {
      holdOldOrNew(tree, at);
      expect(isOurs(tree), `after step ${at}`).toBe(false);
      expect(existsSync(tree.path(executable)), `after step ${at}`).toBe(false);
      expect(lasting(tree), `after step ${at}`).toEqual(before);
      expect(existsSync(tree.path(state)), `after step ${at}`).toBe(false);
    };

    test("while it installs: the old state or the new, and a second run completes it", () => {
      using whole = make();
      const before = lasting(whole);
      const steps = killer.killAt(whole, 0, "after", []);
      const installed = whole.files();
      for (const at of sampled(steps)) {
        using tree = make();
        killer.killAt(tree, at, when(at), []);
        powerCut(tree);
        holdOldOrNew(tree, at);
        const again = tree.install();
        expect({ at, exitCode: again.exitCode, stderr: again.stderr }).toEqual({
          at,
          exitCode: 0,
          stderr: "",
        });
        expect(tree.files(), `killed at step ${at}`).toEqual(installed);
        expect(tree.install(["--uninstall"])).toMatchObject({ exitCode: 0, stderr: "" });
        holdRemoved(tree, before, at);
      }
    });

    test("while it takes itself away: the old state or the new, and a second run completes it", () => {
      using whole = make();
      const before = lasting(whole);
      whole.install();
      const steps = killer.killAt(whole, 0, "after", ["--uninstall"]);
      for (const at of sampled(steps)) {
        using tree = make();
        tree.install();
        killer.killAt(tree, at, when(at), ["--uninstall"]);
        powerCut(tree);
        holdOldOrNew(tree, at);
        const again = tree.install(["--uninstall"]);
        expect({ at, exitCode: again.exitCode, stderr: again.stderr }).toEqual({
          at,
          exitCode: 0,
          stderr: "",
        });
        holdRemoved(tree, before, at);
      }
    });

    test("while it takes itself away, and then installed and taken away again: what was there first is there", () => {
      using whole = make();
      const before = whole.files();
      whole.install();
      const steps = killer.killAt(whole, 0, "after", ["--uninstall"]);
      for (const at of sampled(steps)) {
        using tree = make();
        tree.install();
        killer.killAt(tree, at, when(at), ["--uninstall"]);
        for (const options of [[], ["--uninstall"]])
          expect(tree.install(options), `killed at step ${at}`).toMatchObject({ exitCode: 0, stderr: "" });
        expect(tree.files(), `killed at step ${at}`).toEqual(before);
        expect(existsSync(tree.path(state))).toBe(false);
      }
    });
  });

  test.each([
    ["installed and taken away again", [[], ["--uninstall"]]],
    ["taken away again", [["--uninstall"]]],
  ])(
    "while it forgets, with some of its state gone, and then %s: what was there first is there",
    (_, runs) => {
      using tree = openshift();
      const before = tree.files();
      tree.install();
      // rm -rf has come to the backup, and no further.
      const commands = tree.path("/commands");
      tree.write(
        "/commands/rm",
        `#!/bin/sh
case $* in *multi-nic-cni/install*) ;; *) exec /bin/rm "$@" ;; esac
for last; do :; done
/bin/rm -r "$last/backup"
kill -KILL "$PPID"
`,
      );
      chmodSync(join(commands, "rm"), 0o755);
      const killed = ["sh", "-c", 'exec dash "$@" >/dev/null 2>&1', "sh"];
      expect(
        tree.install(["--uninstall"], killed, { PATH: `${commands}:${process.env.PATH}` }).exitCode,
      ).toBe(null);
      rmSync(commands, { recursive: true });
      for (const options of runs)
        expect(tree.install(options), String(options)).toMatchObject({ exitCode: 0, stderr: "" });
      expect(tree.files()).toEqual(before);
      expect(existsSync(tree.path(state))).toBe(false);
    },
  );
});
