import { UsageError } from "../lib/cli/arguments.ts";
import { checkNetwork } from "./check.ts";
import { type CheckOptions, type Command, parseCommand } from "./command-line.ts";
import { help } from "./help.ts";
import { namedPod } from "./named-pods.ts";
import type { Network } from "./pod.ts";
import { type Checked, isWhole, jsonOf, rowsOf, tableOf } from "./report.ts";
import { storedNetworks } from "./stored-pods.ts";

export interface Served {
  readonly stdout: string;
  readonly exitCode: number;
  /** A signal is how it ends; of a check, it is what breaks it off */
  readonly isEndedBySignal?: true;
}

type Asked<V extends Command["verb"]> = Extract<Command, { verb: V }>;

/** Does what the arguments ask for, until the signal, and gives what to print. Throws UsageError, and defects. */
export async function serve(args: readonly string[], version: string, signal: AbortSignal): Promise<Served> {
  const command = parseCommand(args, process.env);
  switch (command.verb) {
    case "help":
      return printed(help);
    case "version":
      return printed(`multi-nic-concheck ${version}\n`);
    case "check":
      return await check(command, version, signal);
    case "serve":
      return await import("./pod-server.ts").then(({ servePod }) => servePod(command, signal));
    case "client":
      return await import("./pod-client.ts").then(({ checkFromPod }) =>
        checkFromPod(command, version, signal),
      );
    case "manifests":
      return printed((await import("./manifests.ts")).manifests(command));
  }
}

const printed = (stdout: string): Served => ({ stdout, exitCode: 0 });

async function check(command: Asked<"check">, version: string, signal: AbortSignal): Promise<Served> {
  const networks = await networksOf(command);
  const limited = AbortSignal.any([signal, AbortSignal.timeout(command.maxTime)]);
  const checked: Checked[] = [];
  for (const network of networks) checked.push(await checkNetwork(network, command, limited));
  return report(checked, command, version);
}

async function networksOf({ network, pods, stateDirs }: Asked<"check">): Promise<Network[]> {
  if (pods.length === 0) {
    const networks = storedNetworks(stateDirs, network);
    const pairs = networks.filter((each) => each.pods.length > 1);
    if (pairs.length > 0) return pairs;
    throw new UsageError(
      `one pod is attached, by ${stateDirs.join(", ")}: it has none to reach; attach another, name another node's folder with --state-dir DIR, or namespaces with --netns NAME=PATH`,
    );
  }
  return [{ name: network ?? "network namespaces", pods: await Promise.all(pods.map(namedPod)) }];
}

/** What was found out, as a table or as JSON. */
export function report(
  checked: readonly Checked[],
  { json }: Pick<CheckOptions, "json">,
  version: string,
): Served {
  const found = checked.map((each) => ({ each, rows: rowsOf(each) }));
  const exitCode = found.every(({ rows }) => isWhole(rows)) ? 0 : 1;
  if (!json) return { stdout: found.map(({ each, rows }) => tableOf(each, rows)).join(""), exitCode };
  const rows = found.flatMap((each) => each.rows);
  const document = {
    concheck: version,
    networks: found.map(({ each, rows }) => jsonOf(each, rows)),
    connected: rows.reduce((sum, row) => sum + row.connected, 0),
    total: rows.reduce((sum, row) => sum + row.total, 0),
    exitCode,
  };
  return { stdout: `${JSON.stringify(document, null, 2)}\n`, exitCode };
}
