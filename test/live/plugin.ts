import { existsSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect } from "vitest";
import type { ErrorObject } from "../../lib/cni/error-object.ts";
import type { Command } from "../../lib/cni/invocation.ts";
import type { Json, JsonObject } from "../../lib/cni/json.ts";
import type { Result } from "../../lib/cni/result.ts";
import type { Node } from "./node.ts";

/** Folder of the executables under test: MULTI_NIC_CNI_BIN, else what build.sh made for this machine. */
export const bin =
  process.env.MULTI_NIC_CNI_BIN || join(import.meta.dirname, "../../dist", `linux-${process.arch}`);

/** Folders with the Go plugins, as distributions install them. */
const goFolders = ["/usr/lib/cni", "/opt/cni/bin"];
export const cniPath = [bin, ...goFolders].join(":");

/** The file of a Go plugin, or undefined where it is not installed. */
export const goPlugin = (name: string): string | undefined =>
  goFolders.map((folder) => join(folder, name)).find((file) => existsSync(file));

/** One attachment as a runtime names it. Unset fields have a runtime's values; `netns: ""` is what it sends of a pod that is gone. */
export interface Attachment {
  readonly netns: string;
  readonly containerId?: string;
  readonly ifname?: string;
  /** CNI_ARGS */
  readonly args?: string;
  /** CNI_PATH */
  readonly path?: string;
}

/** What came of a call: nothing, one JSON document, or an error object. */
export interface Answer {
  readonly exitCode: 0 | 1;
  readonly document: JsonObject | undefined;
  readonly stderr: string;
}

/** A network configuration; text is sent as it is. */
export type Conf = JsonObject | string;

/** Calls an executable (`type` of the configuration, or `name`) on the node, as a runtime does. */
export async function call(
  node: Node,
  command: Command,
  conf: Conf,
  at?: Attachment,
  name = nameIn(conf),
): Promise<Answer> {
  const file = executable(name);
  const run = await execa("ip", ["netns", "exec", node.host.name, ...(node.before ?? []), file], {
    env: environment(node, command, at),
    extendEnv: false,
    input: typeof conf === "string" ? conf : JSON.stringify(conf),
    reject: false,
    stripFinalNewline: false,
  });
  const shown = `${name} ${command}: ${run.stdout}${run.stderr}`;
  expect([0, 1], shown).toContain(run.exitCode);
  const exitCode = run.exitCode === 0 ? 0 : 1;
  const document = run.stdout === "" ? undefined : oneDocument(run.stdout, shown);
  // SPEC.md, section 2: a result of ADD, an error object, and nothing on other verbs' success.
  expect(document !== undefined, shown).toBe(exitCode === 1 || command === "ADD" || command === "VERSION");
  return { exitCode, document, stderr: run.stderr };
}

/** ADD that has to succeed. */
export async function add(node: Node, conf: JsonObject, at: Attachment): Promise<Result> {
  const answer = await succeed(node, "ADD", conf, at);
  const { interfaces = [], ips = [], routes = [], dns = {} } = answer as Partial<Result>;
  return { interfaces, ips, routes, dns };
}

/** A call that has to succeed. Gives the document as it was printed, {} where there is none. */
export async function succeed(
  node: Node,
  command: Command,
  conf: Conf,
  at?: Attachment,
  name?: string,
): Promise<JsonObject> {
  const { exitCode, document, stderr } = await call(node, command, conf, at, name);
  expect(exitCode, `${command} failed: ${JSON.stringify(document)} ${stderr}`).toBe(0);
  return document ?? {};
}

/** A call that has to fail. */
export async function refused(
  node: Node,
  command: Command,
  conf: Conf,
  at?: Attachment,
  name?: string,
): Promise<ErrorObject> {
  const { exitCode, document } = await call(node, command, conf, at, name);
  expect(exitCode, `${command} succeeded: ${JSON.stringify(document)}`).toBe(1);
  expect(document).toMatchObject({ code: expect.any(Number), msg: expect.stringMatching(/./) });
  return document as unknown as ErrorObject;
}

/** CHECK gets the result of ADD in the configuration. */
export const withPrevResult = (conf: JsonObject, { interfaces, ips, routes, dns }: Result): JsonObject => ({
  ...conf,
  prevResult: { cniVersion: conf.cniVersion ?? "0.1.0", interfaces, ips, routes, dns } as unknown as Json,
});

function executable(name: string): string {
  const file = [bin, ...goFolders].map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (file !== undefined) return file;
  throw new Error(`no executable ${name} in ${bin}; run ./build.sh, or name a folder in MULTI_NIC_CNI_BIN`);
}

function nameIn(conf: Conf): string {
  const type = typeof conf === "string" ? undefined : conf.type;
  return typeof type === "string" ? type : "multi-nic";
}

function environment(node: Node, command: Command, at: Attachment | undefined): Record<string, string> {
  const attachment = at && {
    CNI_CONTAINERID: at.containerId ?? "c1",
    CNI_NETNS: at.netns,
    CNI_IFNAME: at.ifname ?? "net1",
    CNI_ARGS: at.args ?? "",
  };
  return {
    PATH: process.env.PATH ?? "",
    CNI_COMMAND: command,
    CNI_PATH: at?.path ?? cniPath,
    ...attachment,
    ...node.env,
  };
}

function oneDocument(stdout: string, shown: string): JsonObject {
  let document: Json | undefined;
  expect(() => {
    document = JSON.parse(stdout);
  }, shown).not.toThrow();
  expect(typeof document, shown).toBe("object");
  return document as JsonObject;
}
