import { delegateStatus, timeOf } from "../../lib/cni/delegate.ts";
import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import { type NodeFile, readNodeFile } from "../../lib/ipam/node-file.ts";
import { openStore, type Store } from "../../lib/ipam/store.ts";
import { type Netns, ownNetns } from "../../lib/linux/netns.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import { chooseNics, offerOf } from "./choose.ts";
import { type MultiNicConf, parseMultiNicConf } from "./conf.ts";
import { delegatesOf } from "./ipam/delegates.ts";
import { requireFreeAddresses } from "./ipam/own.ts";
import { planLinks } from "./plan.ts";

/**
 * Fine where an ADD with no wishes of a pod could be served now; else code 50 and the reason that ADD would give. A
 * delegate's 51 stays 51: it says more, that pods which run already may have lost their network too.
 */
export async function status(invocation: Invocation): Promise<void> {
  const conf = parseMultiNicConf(invocation);
  try {
    await tryAdd(conf, invocation);
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    const code = error.code === ErrorCode.limitedConnectivity ? error.code : ErrorCode.notAvailable;
    throw new CniError(code, error.message, { details: error.details, cause: error });
  }
}

async function tryAdd(conf: MultiNicConf, invocation: Invocation): Promise<void> {
  const paths = statePaths(invocation.env);
  using host = ownNetns();
  using store = openStore(paths);
  store.write(() => undefined);
  const nodeFile = readNodeFile(paths, invocation.network);
  if (conf.devices !== undefined) await tryLending(conf, nodeFile, host, { invocation, store });
  else {
    const nics = await chooseNics(conf, nodeFile, host, { invocation, store });
    planLinks(conf, nics, "net1");
    if (conf.ipam.mode === "own") await requireFreeAddresses(store, invocation, nics, nodeFile);
  }
  await tryDelegate(conf, invocation);
}

/** That all devices are with pods is no fault of the node's, nor that the addresses of these are. */
async function tryLending(
  conf: MultiNicConf,
  nodeFile: NodeFile | undefined,
  host: Netns,
  { invocation, store }: { readonly invocation: Invocation; readonly store: Store },
): Promise<void> {
  const { findLendable } = await import("./device/status.ts");
  const view = { netlink: host.netlink, sys: "/sys" };
  const offer = offerOf(conf, nodeFile);
  const { nics, indexes } = await findLendable({ conf, offer, view, invocation, store });
  planLinks(conf, nics, "net1");
  if (conf.ipam.mode !== "own") return;
  await requireFreeAddresses(store, invocation, nics, nodeFile);
  const errors: unknown[] = [];
  for (const interfaceIndex of indexes)
    await requireFreeAddresses(store, invocation, [{ interfaceIndex }], nodeFile).catch((error) =>
      errors.push(error),
    );
  if (errors.length > 0 && errors.length === indexes.length) throw errors[0];
}

async function tryDelegate(conf: MultiNicConf, invocation: Invocation): Promise<void> {
  const timeLeft = timeOf("STATUS");
  for (const { type, conf: own } of delegatesOf(conf.ipam, invocation)) {
    await delegateStatus(invocation, type, own, { timeLeft });
  }
}
