import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import { type Netns, NetnsError, openNetns } from "../../lib/linux/netns.ts";
import { decodeLink, dumpLinks } from "../../lib/netlink/message/link.ts";
import type { Netlink } from "../../lib/netlink/socket.ts";

/**
 * The pod's network namespace.
 * @throws CniError unknownContainer (missing) or invalidEnvironment (no network namespace)
 */
export function openPod(path: string): Netns {
  try {
    return openNetns(path);
  } catch (error) {
    if (!(error instanceof NetnsError)) throw error;
    throw netnsRefusal(path, error);
  }
}

function netnsRefusal(path: string, error: NetnsError): CniError {
  if (error.reason === "missing") {
    return new CniError(
      ErrorCode.unknownContainer,
      `CNI_NETNS: "${path}" does not exist: the pod's sandbox is gone; the runtime has to make a new one`,
      { cause: error },
    );
  }
  const remedy =
    error.reason === "denied"
      ? "cannot be entered; run the plugin as root with CAP_SYS_ADMIN and CAP_NET_ADMIN"
      : "is not a network namespace; give the path of one, like /run/netns/NAME or /proc/PID/ns/net";
  return new CniError(ErrorCode.invalidEnvironment, `CNI_NETNS: "${path}" ${remedy}`, { cause: error });
}

/** @throws CniError exists, where the pod has a link of one of these names */
export async function requireFree(
  pod: Netlink,
  links: readonly { readonly ifname: string }[],
): Promise<void> {
  const [messages] = await pod.request([dumpLinks()]);
  const names = new Set((messages ?? []).map((message) => decodeLink(message).name));
  const taken = links.map(({ ifname }) => ifname).filter((ifname) => names.has(ifname));
  if (taken.length === 0) return;
  throw new CniError(
    ErrorCode.exists,
    `CNI_IFNAME: the pod already has ${taken.join(", ")}; DEL that attachment first, or ask for another name`,
  );
}
