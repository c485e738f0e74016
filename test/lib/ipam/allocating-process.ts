/** A process of store-concurrency.live.test.ts: attaches, and every third time detaches, as often as it is told. */
import { openStore } from "../../../lib/ipam/store.ts";
import { formatAddress } from "../../../lib/net/address.ts";
import { attachment, blockOf } from "./store-records.ts";

const [database = "", name = "", count = "0"] = process.argv.slice(2);
const block = blockOf("10.0.0.0/16");
const kept: string[] = [];
const waits: number[] = [];

for (let at = 0; at < Number(count); at++) {
  // As plugins do: a connection for each call.
  using store = openStore({ database });
  const key = attachment(`${name}-${at}`);
  const began = performance.now();
  const [lease] = store.write((tx) => tx.allocate(tx.insert(key), [{ nic: 0, block }], Date.now()));
  waits.push(performance.now() - began);
  if (lease === undefined) throw new Error("no lease");
  // JSON may begin with white space: who waits for this process to be at work reads it.
  if (at === 0) process.stdout.write("\n");
  if (at % 3 === 2) store.write((tx) => tx.release(tx.find(key)?.id ?? -1, Date.now()));
  else kept.push(formatAddress(lease.address));
}

process.stdout.write(JSON.stringify({ kept, slowest: Math.max(...waits) }));
