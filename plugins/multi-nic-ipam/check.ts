import { valueIn } from "../../lib/cni/conf.ts";
import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import { parseResult } from "../../lib/cni/result.ts";
import { openStore } from "../../lib/ipam/store.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import { formatCidr, parseCidr } from "../../lib/net/address.ts";
import { cidrText, findOwn, givenOf } from "./attachment.ts";

/** Whether the store holds what ADD gave, and the result still shows it. Throws CniError checkFailed. */
export async function check(invocation: Invocation): Promise<void> {
  const ips = previousIps(invocation);
  const { given, held } = recorded(invocation);
  const { containerId, ifname, network } = invocation;
  const whose = `container "${containerId}", interface "${ifname}"`;
  if (held.length === 0) throw failed(`${whose} has no address of network "${network}"`);
  const lost = given.filter((text) => !held.includes(text));
  if (lost.length > 0) {
    const what = lost.length === 1 ? `the lease of ${lost[0]} is` : `the leases of ${lost.join(", ")} are`;
    throw failed(`${what} gone, given to ${whose} of network "${network}"`);
  }
  // Other plugins of the chain may have added addresses of their own to the result.
  const missing = held.filter((text) => !ips.includes(text));
  if (missing.length === 0) return;
  throw failed(`prevResult.ips: ${missing.join(", ")} missing, leased to ${whose} of network "${network}"`);
}

const failed = (what: string): CniError => new CniError(ErrorCode.checkFailed, `${what}; attach it anew`);

/** What ADD gave, and what is leased now. */
function recorded(invocation: Invocation): { given: readonly string[]; held: readonly string[] } {
  using store = openStore(statePaths(invocation.env));
  return store.read((tx) => {
    const record = findOwn(tx, invocation);
    if (record === undefined) return { given: [], held: [] };
    return { given: givenOf(record), held: tx.leasesOf(record.id).map(cidrText) };
  });
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
