import { existsSync } from "node:fs";
import { basename } from "node:path";
import { UsageError } from "../lib/cli/arguments.ts";
import type { AttachmentRecord, Lease } from "../lib/ipam/record.ts";
import { openStore } from "../lib/ipam/store.ts";
import { namespaceId } from "../lib/linux/namespace-id.ts";
import { statePaths } from "../lib/linux/paths.ts";
import { readablePlanOf } from "../plugins/multi-nic/plan-json.ts";
import type { Network, Pod, PodAddress } from "./pod.ts";

interface Stored extends AttachmentRecord {
  readonly leases: readonly Lease[];
}

/** The pods of each network, or of one, that state folders know of as attached. Throws UsageError, CniError. */
export function storedNetworks(stateDirs: readonly string[], network: string | undefined): Network[] {
  const stored = stateDirs.flatMap((dir) => readStore(dir, network));
  const ready = stored.filter(({ state }) => state === "ready");
  const names = [...new Set(ready.map((record) => record.network))];
  if (names.length === 0) throw new UsageError(nothingIn(stateDirs, network));
  return names.map((name) => ({ name, pods: podsOf(ready.filter((record) => record.network === name)) }));
}

function nothingIn(stateDirs: readonly string[], network: string | undefined): string {
  const what = network === undefined ? "no pod is attached" : `no pod is attached to network "${network}"`;
  return `${what}, by ${stateDirs.join(", ")}; name another folder with --state-dir DIR, or namespaces with --netns NAME=PATH`;
}

/** Where there is no database, none is made: nobody was attached yet. */
function readStore(dir: string, network: string | undefined): Stored[] {
  const { database } = statePaths({ MULTI_NIC_CNI_STATE_DIR: dir });
  if (!existsSync(database)) return [];
  using store = openStore({ database });
  return store.read((tx) =>
    tx.attachments(network).map((record) => ({ ...record, leases: tx.leasesOf(record.id) })),
  );
}

/** A container with several attachments to the network is one pod. */
function podsOf(records: readonly Stored[]): Pod[] {
  const groups = Map.groupBy(records, ({ containerId, netns }) => `${containerId}\0${netns}`);
  const names = [...groups.values()].map(([first]) => first?.containerId ?? "");
  return [...groups.values()].map((attachments) => podOf(attachments, names));
}

function podOf(attachments: readonly Stored[], names: readonly string[]): Pod {
  const [{ containerId = "", netns = "", netnsId = "" } = {}] = attachments;
  const isOnly = names.filter((name) => name === containerId).length === 1;
  const missing = whyMissing(netns, netnsId);
  return {
    name: isOnly ? containerId : `${containerId}@${basename(netns)}`,
    netns,
    addresses: attachments.flatMap(addressesOf),
    ...(missing === undefined ? {} : { missing }),
  };
}

function whyMissing(netns: string, netnsId: string): string | undefined {
  const id = namespaceId(netns);
  if (id === undefined) return `its network namespace is gone (${netns})`;
  return id === netnsId ? undefined : `another network namespace is at ${netns} now`;
}

/** multi-nic's plan has the addresses of every IPAM; a lease has those that multi-nic-ipam gave another plugin. */
function addressesOf(record: Stored): PodAddress[] {
  const plan = record.owner === "multi-nic" ? readablePlanOf(record) : undefined;
  if (plan === undefined)
    return record.leases.map(({ nic, address, prefix }) => ({
      nic,
      ifname: record.ifname,
      cidr: { address, prefix },
    }));
  return plan.links.flatMap(({ ifname, master, addresses }, nic) =>
    addresses.map(({ cidr }) => ({ nic, ifname, master, cidr })),
  );
}
