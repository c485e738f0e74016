import { expect, test } from "vitest";
import { concerns } from "../../daemon/cluster/changes.ts";
import { parseCidr } from "../../lib/net/address.ts";
import { RTM_NEWRULE } from "../../lib/netlink/constants.ts";
import { deleteRoute, newRoute, type Route } from "../../lib/netlink/message/route.ts";
import { hostProtocol, tableOf } from "../../lib/route/host-routes.ts";

const route = (dst: string, table: number, protocol: number): Route => ({
  dst: parseCidr(dst),
  table,
  protocol,
  oif: 1,
});
const message = (request: { readonly type: number; readonly body: Uint8Array }) => ({
  flags: 0,
  seq: 0,
  port: 0,
  ...request,
});

test.each<[string, Route, boolean]>([
  ["of our protocol in a table of ours", route("10.0.0.0/8", tableOf("n"), hostProtocol), true],
  ["of our protocol in another table", route("10.0.0.0/8", 254, hostProtocol), true],
  ["of another protocol in a table of ours", route("10.0.0.0/8", tableOf("n"), 4), true],
  ["of another protocol in a table of ours, IPv6", route("fd00::/16", tableOf("n"), 4), true],
  ["of another protocol in the main table", route("10.0.0.0/8", 254, 4), false],
  ["of another protocol in a table below ours", route("10.0.0.0/8", 2 ** 29 - 1, 4), false],
  ["of a pod's, in a table above ours", route("fd00::/16", 2 ** 30, 77), false],
])("a route %s", (_title, each, expected) => {
  expect(concerns(message(newRoute(each)))).toBe(expected);
  expect(concerns(message(deleteRoute(each)))).toBe(expected);
});

test("a rule concerns us, whosever it is", () => {
  expect(concerns(message({ type: RTM_NEWRULE, body: new Uint8Array(12) }))).toBe(true);
});
