import { rmSync } from "node:fs";
import { join } from "node:path";
import { LockError, lockByte } from "../../lib/linux/lock.ts";
import { ownNetns } from "../../lib/linux/netns.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import { formatCidr } from "../../lib/net/address.ts";
import { readOurs, reconcile } from "../routes/reconcile.ts";
import { pathInForce, readInForce } from "./in-force.ts";
import { readWritten } from "./node-files.ts";

export interface CleanupOptions {
  readonly stateDir: string;
  readonly dryRun: boolean;
}

/** Takes away what multi-nicd has made of this host: routes, rules and node files. Pods keep what they have. */
export async function cleanup(
  { stateDir, dryRun }: CleanupOptions,
  print: (text: string) => void,
): Promise<0 | 1> {
  using _lock = await aloneIn(stateDir);
  const paths = statePaths({ MULTI_NIC_CNI_STATE_DIR: stateDir });
  const { networks } = paths;
  using host = ownNetns();
  const ours = await readOurs(host.netlink);
  const files = [
    ...[...readWritten(networks).keys()].map((network) => join(networks, `${network}.json`)),
    ...(readInForce(paths) === undefined ? [] : [pathInForce(paths)]),
  ];
  const word = dryRun ? "would remove" : "removed";
  for (const { dst, table } of ours.routes) print(`${word} route ${formatCidr(dst)} in table ${table}\n`);
  for (const { src, table } of ours.rules)
    print(`${word} rule from ${src === undefined ? "all" : formatCidr(src)} lookup ${table}\n`);
  for (const file of files) print(`${word} ${file}\n`);
  if (ours.routes.length + ours.rules.length + files.length === 0) print("nothing of multi-nicd's is here\n");
  if (dryRun) return 0;
  const { failures } = await reconcile(host.netlink, { routes: [], rules: [] }, ours);
  for (const file of files) rmSync(file, { force: true });
  for (const { error } of failures) print(`failed: ${error}\n`);
  return failures.length === 0 ? 0 : 1;
}

/** A daemon that runs would make it all anew. */
async function aloneIn(stateDir: string): Promise<Disposable> {
  try {
    return await lockByte(join(stateDir, "multi-nicd.lock"), 0, 0);
  } catch (error) {
    if (!(error instanceof LockError) || error.code !== "EAGAIN") throw error;
    throw new Error(
      `multi-nicd serves "${stateDir}", and would make it all anew; end it first: systemctl stop multi-nicd`,
    );
  }
}
