import { delegateGc } from "../../lib/cni/delegate.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import { NetConf, parseConf } from "../../lib/cni/netconf.ts";
import type { AttachmentRecord } from "../../lib/ipam/record.ts";
import { openStore } from "../../lib/ipam/store.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import { openRecorded, owner, withdraw } from "./attachment.ts";
import { parseMultiNicConf } from "./conf.ts";

/**
 * Withdraws every attachment of the network that the runtime does not list, and goes on past errors. Without the list
 * it does nothing: an absent key is no empty list.
 * @throws AggregateError of all that failed
 */
export async function gc(invocation: Invocation): Promise<void> {
  const valid = parseConf(NetConf, invocation.conf)["cni.dev/valid-attachments"];
  if (valid === undefined) return;
  const errors = await withdrawAllBut(
    new Set(valid.map(({ containerID, ifname }) => `${containerID} ${ifname}`)),
    invocation,
  );
  const { ipam } = parseMultiNicConf(invocation);
  if (ipam.mode === "delegate")
    await collect(errors, () => delegateGc(invocation, ipam.type, invocation.conf));
  if (errors.length > 0) throw new AggregateError(errors, `GC: ${errors.map(messageOf).join("; ")}`);
}

async function withdrawAllBut(valid: ReadonlySet<string>, invocation: Invocation): Promise<unknown[]> {
  using store = openStore(statePaths(invocation.env));
  const records = store.read((tx) => tx.attachments(invocation.network));
  const errors: unknown[] = [];
  for (const record of records.filter((each) => each.owner === owner && !valid.has(nameOf(each)))) {
    using pod = openRecorded(record);
    await collect(errors, () => withdraw(store, record, invocation, pod));
  }
  return errors;
}

const nameOf = ({ containerId, ifname }: AttachmentRecord): string => `${containerId} ${ifname}`;
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function collect(errors: unknown[], step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    errors.push(error);
  }
}
