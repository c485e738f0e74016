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
import { monitor } from "../../lib/netlink/monitor.ts";
import { hostProtocol } from "../../lib/route/host-routes.ts";

const groups = [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE];

/** ms that a message waits for others, so that a burst is one look */
const settle = 100;

/** Says when a route of ours changed, or any rule: rules change seldom. Throws NetlinkError. */
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

function concerns({ type, body }: Message): boolean {
  // struct rtmsg: the protocol is its sixth byte. A rule's is an attribute.
  return (type !== RTM_NEWROUTE && type !== RTM_DELROUTE) || body[5] === hostProtocol;
}
