import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeTree } from "./captured.ts";

const main = join(import.meta.dirname, "../../plugins/main.ts");
const line = (words: string) =>
  spawnSync("sh", ["-c", words], {
    encoding: "utf8",
    env: {
      ...process.env,
      DOCTOR: `${process.execPath} --disable-warning=ExperimentalWarning ${main} multi-nic-doctor`,
    },
  });

test("its exit code is the process's, and its report is on stdout", () => {
  const root = writeTree({ "/etc/cni/net.d/a.conf": "{" });
  const { status, stdout, stderr } = line(`$DOCTOR --root ${root}`);
  expect({ status, stderr }).toEqual({ status: 2, stderr: "" });
  expect(stdout).toContain("is not a JSON object");
});

test("a reader that left is no error", () => {
  expect(line("{ $DOCTOR --help; echo $? >&2; } | :").stderr).toBe("0\n");
});

test("explain reads stdin", () => {
  const { status, stdout } = line("echo 'cni plugin not initialized' | $DOCTOR explain --json");
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ id: "not-ready" });
});

test("explain asks oc for a pod's event where PATH has no kubectl", () => {
  const items = [{ reason: "FailedCreatePodSandBox", message: "cni plugin not initialized" }];
  const script = `#!/bin/sh\necho '${JSON.stringify({ items })}'\n`;
  const { status, stdout } = line(
    `PATH=${writeTree({ "/oc": { executable: script } })} $DOCTOR explain default/web`,
  );
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining("not initialized") });
});
