import { valueIn } from "../../lib/cni/conf.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import { NetConf, parseConf } from "../../lib/cni/netconf.ts";
import { isNetnsGone } from "../../lib/ipam/reclaim.ts";
import { openStore } from "../../lib/ipam/store.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import { owner } from "./attachment.ts";

const key = "cni.dev/valid-attachments";

/** Frees what the runtime no longer lists, and what is abandoned. Without the list there is nothing to go by. */
export async function gc(invocation: Invocation): Promise<void> {
  if (valueIn(invocation.conf, key) === undefined) return;
  const valid = parseConf(NetConf(), invocation.conf)[key] ?? [];
  const known = new Set(valid.map(({ containerID, ifname }) => nameOf(containerID, ifname)));
  using store = openStore(statePaths(invocation.env));
  const stale = store
    .read((tx) => tx.attachments(invocation.network))
    .filter((record) => record.owner === owner)
    .filter((record) => !known.has(nameOf(record.containerId, record.ifname)) || isNetnsGone(record));
  const now = Date.now();
  store.write((tx) => {
    for (const record of stale) tx.release(record.id, now);
  });
  invocation.log.info("collected", { attachments: stale.length });
}

/** Neither can hold a slash. */
function nameOf(containerId: string, ifname: string): string {
  return `${containerId}/${ifname}`;
}
