import { aligned } from "../../lib/cli/table.ts";
import { ask, unanswered } from "../ask.ts";
import type { ClusterStatus } from "../cluster/cluster-status.ts";
import type { StatusOptions } from "../status.ts";

/** Prints the host routes as they are; the exit code is 1 where one is not there, or something else is wrong. */
export async function showRoutes(
  { stateDir, json }: StatusOptions,
  print: (text: string) => void,
): Promise<0 | 1> {
  let status: ClusterStatus | null;
  try {
    status = await ask<ClusterStatus | null>(stateDir, "/routes");
  } catch (error) {
    print(
      json ? `${JSON.stringify({ error: (error as Error).message })}\n` : `${unanswered(stateDir, error)}\n`,
    );
    return 1;
  }
  if (status === null) {
    print(json ? "null\n" : "multi-nicd has no cluster file: start it with --cluster FILE\n");
    return 1;
  }
  print(json ? `${JSON.stringify(status)}\n` : table(status));
  return isWell(status) ? 0 : 1;
}

const isWell = ({ problems, failures, routes }: ClusterStatus) =>
  problems.length === 0 && failures.length === 0 && routes.every(({ state }) => state === "ok");

function table({ file, node, networks, routes, problems, failures }: ClusterStatus): string {
  const rows = routes.map(({ network, dst, via, dev, host, former, state, error }) => [
    network,
    dst,
    via,
    dev,
    former ? `${host} (before)` : host,
    error === undefined ? state : `${state}: ${error}`,
  ]);
  const head = ["NETWORK", "DESTINATION", "VIA", "DEV", "HOST", "STATE"];
  const wrong = [...problems, ...failures].map((line) => `wrong: ${line}`);
  const sum = `${file}: ${node} has ${networks.length} networks, ${routes.filter(({ state }) => state === "ok").length} of ${routes.length} routes`;
  return `${[...aligned([head, ...rows]), ...wrong, sum].join("\n")}\n`;
}
