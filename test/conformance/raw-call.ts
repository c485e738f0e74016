import { join } from "node:path";
import { execa } from "execa";
import { expect } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { bin } from "../live/plugin.ts";

export type PluginName = "multi-nic" | "multi-nic-ipam" | "infra-dpu-cni";
export const plugins: readonly PluginName[] = ["multi-nic", "multi-nic-ipam", "infra-dpu-cni"];
/** Those that serve nothing without a whole configuration; infra-dpu-cni must not keep a node from its pods' ends. */
export const strict: readonly PluginName[] = ["multi-nic", "multi-nic-ipam"];

export const versions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;

/** What came of a process: as it is, and stdout as JSON where there is any. */
export interface Raw {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly document: JsonObject | undefined;
}

/** Runs an executable with this environment and no more, on the machine itself: for calls that touch no kernel. */
export async function rawCall(
  name: PluginName,
  env: Readonly<Record<string, string | undefined>>,
  input: string,
): Promise<Raw> {
  const set = Object.entries({ MULTI_NIC_CNI_LOG_FILE: "off", ...env }).filter(
    ([, value]) => value !== undefined,
  );
  const { exitCode, stdout, stderr } = await execa(join(bin, name), {
    env: Object.fromEntries(set) as Record<string, string>,
    extendEnv: false,
    input,
    reject: false,
  });
  return { exitCode, stdout, stderr, document: stdout === "" ? undefined : JSON.parse(stdout) };
}

/** The environment of a whole call, as a runtime gives it. Its namespace is none: whatever gets that far is refused. */
export const wholeEnv = {
  CNI_CONTAINERID: "some-container",
  CNI_NETNS: "/run/netns/nowhere",
  CNI_IFNAME: "eth0",
  CNI_ARGS: "IgnoreUnknown=1;extra=stuff",
  CNI_PATH: "/nowhere/bin",
} as const;

export const text = (more: JsonObject = {}, name = "multi-nic"): string =>
  JSON.stringify({ cniVersion: "1.1.0", name: "n1", type: name, ...more });

/** A call that has to fail. Gives the error object, past the check that it is all that was printed. */
export async function rawError(
  name: PluginName,
  env: Readonly<Record<string, string | undefined>>,
  input: string,
): Promise<JsonObject> {
  const { exitCode, stderr, document, stdout } = await rawCall(name, env, input);
  expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 1, stderr: "" });
  return document ?? {};
}

export const env = (CNI_COMMAND: string, changed: Readonly<Record<string, string | undefined>> = {}) => ({
  ...wholeEnv,
  CNI_COMMAND,
  ...changed,
});

/** Rows for each plugin they apply to. */
export const each = <Row extends readonly unknown[]>(names: readonly PluginName[], rows: readonly Row[]) =>
  names.flatMap((name) => rows.map((row) => [name, ...row] as const));
