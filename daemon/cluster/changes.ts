import type { Netns } from "../../lib/linux/netns.ts";
import type { Message } from "../../lib/netlink/codec.ts";
import {
  RTM_DELROUTE,
  RTM_NEWROUTE,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV4_RULE,
  RTNLGRP_IPV6_ROUTE,
  RTNLGRP_IPV6_RULE,
} from "../../lib/netlink/constants.ts";
import { tableIn } from "../../lib/netlink/message/route-table.ts";
import { monitor } from "../../lib/netlink/monitor.ts";
import { hostProtocol, isTableOfNetwork } from "../../lib/route/host-routes.ts";

const groups = [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE];

/** ms that a message waits for others, so that a burst is one look */
const settle = 100;

/** Says when a route of ours or in a table of ours changed, or any rule: rules change seldom. Throws NetlinkError. */
export function listenForRoutes(host: Netns, changed: () => void): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const soon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      changed();
    }, settle).unref();
  };
  const heard = (message: Message) => {
    if (concerns(message)) soon();
  };
  const listening = host.run(() => monitor(groups, { heard, missed: soon }));
  return {
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      listening[Symbol.dispose]();
    },
  };
}

/** Whether what is ours may be otherwise since that message. Throws CodecError. */
export function concerns(message: Message): boolean {
  if (message.type !== RTM_NEWROUTE && message.type !== RTM_DELROUTE) return true;
  // struct rtmsg: the protocol is its sixth byte. A rule's is an attribute.
  if (message.body[5] === hostProtocol) return true;
  // Where others put theirs in the place of ours, the kernel tells of theirs alone.
  return isTableOfNetwork(tableIn(message));
}
