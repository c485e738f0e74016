import { expect, test, vi } from "vitest";
import { openNetns } from "../../../lib/linux/netns.ts";
import { viewOf } from "../../../lib/netlink/codec.ts";
import { RTM_DELADDR, RTNLGRP_IPV4_IFADDR } from "../../../lib/netlink/constants.ts";
import { monitor } from "../../../lib/netlink/monitor.ts";
import { ipBatch, makeNamespace } from "../../live/namespaces.ts";

test("goes on after messages that its socket had no room for, and says that it missed some", async () => {
  using host = makeNamespace("monitor");
  using netns = openNetns(host.path);
  let heard = 0;
  let last = 0;
  const missed = vi.fn();
  using _monitor = netns.run(() =>
    monitor([RTNLGRP_IPV4_IFADDR], {
      heard: ({ type, body }) => {
        heard++;
        if (type === RTM_DELADDR) last = viewOf(body).getInt32(4, true);
      },
      missed,
    }),
  );
  // Nothing is read meanwhile: this process waits for the other.
  const words = Array.from({ length: 2_000 }, (_, i) => `addr add 10.99.${i >> 8}.${i & 255}/32 dev lo`);
  ipBatch(host, words);
  await vi.waitFor(() => expect(missed).toHaveBeenCalled());
  expect(heard).toBeGreaterThan(0);
  expect(heard).toBeLessThan(words.length);
  host.ip("addr del 10.99.0.0/32 dev lo");
  await vi.waitFor(() => expect(last).toBe(1));
});
