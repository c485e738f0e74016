import { valueIn } from "../../lib/cni/conf.ts";
import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import { parseResult } from "../../lib/cni/result.ts";
import type { Lease } from "../../lib/ipam/record.ts";
import { openStore } from "../../lib/ipam/store.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import type { Cidr } from "../../lib/net/address.ts";
import { formatCidr, parseCidr } from "../../lib/net/address.ts";
import { findOwn } from "./attachment.ts";

/** Whether the store holds what ADD gave, and the result still shows it. Throws CniError checkFailed. */
export async function check(invocation: Invocation): Promise<void> {
  const ips = previousIps(invocation);
  using store = openStore(statePaths(invocation.env));
  const leases = store.read((tx) => {
    const record = findOwn(tx, invocation);
    return record === undefined ? [] : tx.leasesOf(record.id);
  });
  const { containerId, ifname, network } = invocation;
  if (leases.length === 0) {
    throw new CniError(
      ErrorCode.checkFailed,
      `container "${containerId}", interface "${ifname}" has no address of network "${network}"; attach it anew`,
    );
  }
  // Other plugins of the chain may have added addresses of their own to the result.
  const missing = leases.map(cidrText).filter((text) => !ips.includes(text));
  if (missing.length === 0) return;
  throw new CniError(
    ErrorCode.checkFailed,
    `prevResult.ips: ${missing.join(", ")} missing, leased to container "${containerId}", interface "${ifname}" of ` +
      `network "${network}"; attach it anew`,
  );
}

function previousIps({ conf, cniVersion }: Invocation): string[] {
  const json = valueIn(conf, "prevResult");
  if (json === undefined) {
    throw new CniError(ErrorCode.invalidConfig, "prevResult: missing; CHECK needs the result of ADD");
  }
  return parseResult(json, cniVersion).ips.map(({ address }) => canonical(address));
}

function canonical(text: string): string {
  try {
    return formatCidr(parseCidr(text));
  } catch {
    return text; // another plugin's, and none of ours
  }
}

function cidrText({ address, prefix }: Lease): string {
  return formatCidr({ address, prefix } satisfies Cidr);
}
