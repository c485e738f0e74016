import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { state, type Tree } from "./tree.ts";

/** One of so many steps, spread over all; all of them by scripts/reliability.sh install. */
const sample = Number(process.env.MULTI_NIC_CNI_INSTALL_KILLS ?? 9);
export const sampled = (steps: number): readonly number[] =>
  Array.from({ length: Math.ceil(steps / sample) }, (_, i) => 1 + ((i * sample) % steps));

/** Commands by which install.sh changes anything; each is where it can be killed. */
const changing = ["chmod", "cp", "ln", "mkdir", "mv", "rm", "rmdir", "sync"];

export interface Killer extends Disposable {
  /** Runs install.sh, and kills it before or after one of its steps (0: never). Gives how many steps it came to. */
  killAt(tree: Tree, at: number, when: "before" | "after", options: readonly string[]): number;
}

/** Commands of which each counts itself in a file, and at the given count kills the installer. */
export function makeKiller(): Killer {
  const commands = mkdtempSync(join(tmpdir(), "multi-nic-cni-kill-"));
  for (const name of changing) {
    const real = execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
    writeFileSync(
      join(commands, name),
      `#!/bin/sh
echo x >>"$KILL_COUNT"
count=$(wc -l <"$KILL_COUNT")
[ "$count $KILL_WHEN" != "$KILL_AT before" ] || { kill -KILL "$KILL_PID"; exit 1; }
${real} "$@"
status=$?
[ "$count $KILL_WHEN" != "$KILL_AT after" ] || kill -KILL "$KILL_PID"
exit $status
`,
    );
    chmodSync(join(commands, name), 0o755);
  }
  const count = join(commands, "count");
  return {
    killAt: (tree, at, when, options) => {
      writeFileSync(count, "");
      const env = {
        KILL_COUNT: count,
        KILL_AT: `${at}`,
        KILL_WHEN: when,
        PATH: `${commands}:${process.env.PATH}`,
      };
      // The installer's own process id: exec keeps it.
      const shell = ["sh", "-c", 'KILL_PID=$$; export KILL_PID; exec dash "$@" >/dev/null 2>&1', "sh"];
      tree.install(options, shell, env);
      return readFileSync(count, "utf8").length / 2;
    },
    [Symbol.dispose]: () => rmSync(commands, { recursive: true }),
  };
}

/** Runs the script that puts back what is on tmpfs. It has the node's paths; here they are the tree's. Gives stdout. */
export function runKeeper(tree: Tree): string {
  const script = tree.path(`${state}/install/keep.sh`);
  const text = readFileSync(script, "utf8")
    .replaceAll("$path", `${tree.root}$path`)
    .replace(`printf '%s' "${tree.root}$path"`, `printf '%s' "$path"`);
  return execFileSync("dash", ["-c", text, script], { encoding: "utf8" });
}

/** A power cut and the boot after it: tmpfs is empty, then the units that are enabled are started. */
export function powerCut(tree: Tree): void {
  rmSync(tree.path("/run"), { recursive: true, force: true });
  mkdirSync(tree.path("/run/multus/cni/net.d"), { recursive: true });
  const enabled = "/etc/systemd/system/multi-user.target.wants/multi-nic-cni-keep.service";
  const links = execFileSync("find", [tree.path("/etc/systemd"), "-type", "l"], { encoding: "utf8" });
  const isThere = existsSync(tree.path("/etc/systemd/system/multi-nic-cni-keep.service"));
  // ConditionPathExists= of the unit.
  if (links.includes(enabled) && isThere && existsSync(tree.path(`${state}/install/keep.sh`)))
    runKeeper(tree);
}
