import type { Netns } from "../../lib/linux/netns.ts";
import { type Message, viewOf } from "../../lib/netlink/codec.ts";
import {
  RTM_DELADDR,
  RTM_DELROUTE,
  RTM_DELRULE,
  RTM_NEWADDR,
  RTM_NEWROUTE,
  RTM_NEWRULE,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV4_RULE,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_IPV6_ROUTE,
  RTNLGRP_IPV6_RULE,
  RTNLGRP_LINK,
} from "../../lib/netlink/constants.ts";
import { monitor } from "../../lib/netlink/monitor.ts";
import { hostProtocol } from "../../lib/route/host-routes.ts";

const groups = [
  RTNLGRP_LINK,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV6_ROUTE,
  RTNLGRP_IPV4_RULE,
  RTNLGRP_IPV6_RULE,
];

/** ms that a message waits for others, so that a burst is one look */
const settle = 100;

/**
 * Says when something changed that a host's part in a cluster depends on: its NICs, addresses, and routes and rules of
 * ours. Pods that come and go do not concern it. `nics` gives the indexes of the NICs. Throws NetlinkError.
 */
export function listenForChanges(
  host: Netns,
  nics: () => ReadonlySet<number>,
  changed: () => void,
): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const soon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      changed();
    }, settle).unref();
  };
  const listening = host.run(() =>
    monitor(groups, {
      heard: (message) => {
        if (concerns(message, nics())) soon();
      },
      missed: soon,
    }),
  );
  return {
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      listening[Symbol.dispose]();
    },
  };
}

function concerns({ type, body }: Message, nics: ReadonlySet<number>): boolean {
  if (body.length < 8 || type === RTM_NEWADDR || type === RTM_DELADDR) return true;
  // struct rtmsg: the protocol is its sixth byte
  if (type === RTM_NEWROUTE || type === RTM_DELROUTE) return body[5] === hostProtocol;
  // A rule's protocol is an attribute, and rules change seldom.
  if (type === RTM_NEWRULE || type === RTM_DELRULE) return true;
  // struct ifinfomsg: the ifindex is at 4
  return nics.has(viewOf(body).getInt32(4, true));
}
