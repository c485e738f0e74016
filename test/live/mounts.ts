import { spawn } from "node:child_process";
import { once } from "node:events";

/** A mount namespace of a test's own: what is mounted in it, nobody else sees, and it ends with the test. */
export interface MountNamespace extends Disposable {
  /** What to put before a command that is to run in it. */
  readonly enter: readonly string[];
  /** Where its files are to be seen from outside. */
  readonly root: string;
}

/** Runs the shell script in a new mount namespace, `args` being $1 and on, and keeps the namespace. */
export async function makeMountNamespace(script: string, ...args: string[]): Promise<MountNamespace> {
  const keeper = spawn(
    "unshare",
    ["--mount", "sh", "-euc", `${script}\necho done; exec cat`, "mounts", ...args],
    {
      stdio: ["pipe", "pipe", "pipe"],
    },
  );
  const said: string[] = [];
  keeper.stderr.on("data", (text) => said.push(String(text)));
  const [first] = await Promise.race([once(keeper.stdout, "data"), once(keeper, "exit")]);
  if (!String(first).includes("done")) throw new Error(`mounting failed: ${said.join("")}`);
  return {
    enter: ["nsenter", `--mount=/proc/${keeper.pid}/ns/mnt`, "--"],
    root: `/proc/${keeper.pid}/root`,
    [Symbol.dispose]: () => {
      keeper.kill("SIGKILL");
    },
  };
}
