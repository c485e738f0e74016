import { describe, expect, test } from "vitest";
import { parseCidr } from "../../../lib/net/address.ts";
import type { Request } from "../../../lib/netlink/codec.ts";
import * as k from "../../../lib/netlink/constants.ts";
import { newRule } from "../../../lib/netlink/message/rule.ts";
import { detach } from "../../../plugins/multi-nic/detach.ts";
import { type FakeAnswer, type FakeLink, fakeNetlink, linkBody } from "../../lib/netlink/fake-netlink.ts";

const group = 0x40000100;
const [EPERM, ENOENT, EBUSY, ENODEV, EOPNOTSUPP] = [1, 2, 16, 19, 95];

const kind = "macvlan";
const links = [
  linkBody({ index: 2, name: "net1-0", group, kind }),
  linkBody({ index: 3, name: "net1-1", group, kind }),
  linkBody({ index: 4, name: "net2-0", group: group + 256, kind }),
];
const rule = (from: string, table: number, protocol = 77) =>
  newRule({ family: 4, src: parseCidr(from), table, priority: 1000, protocol }).body;
const rules = [
  rule("10.0.0.1/32", group + 1),
  rule("10.0.0.2/32", group + 256),
  rule("10.0.0.3/32", group, 4),
];

/** A pod with those links and rules; `refuse` gives an errno for the deletions that it is to refuse. */
function pod(refuse: (label: string) => number | undefined, more: readonly Uint8Array[] = []) {
  return fakeNetlink((request: Request): FakeAnswer => {
    if (request.type === k.RTM_GETLINK) return [...links, ...more];
    if (request.type === k.RTM_GETRULE) return request.body[0] === k.AF_INET ? rules : [];
    return refuse(request.label) ?? [];
  });
}

const deletions = ({ requests }: { requests: Request[] }) =>
  requests.filter(({ type }) => type === k.RTM_DELLINK || type === k.RTM_DELRULE).map(({ label }) => label);

const byGroup = `delete the links of group ${group}`;
const ofRule = `delete rule 1000: from 10.0.0.1/32 lookup ${group + 1}`;

const rows: [title: string, refuse: (label: string) => number | undefined, deleted: string[]][] = [
  ["the links go with one message, and only the rules of the attachment", () => undefined, [byGroup, ofRule]],
  ["that there are no links is fine", () => ENODEV, [byGroup]],
  [
    "a kernel that does not take the group gets the links one by one",
    (label) => (label === byGroup ? EOPNOTSUPP : undefined),
    [byGroup, "delete net1-0", "delete net1-1", ofRule],
  ],
  [
    "a link that is gone meanwhile is fine",
    (label) => (label === byGroup ? EOPNOTSUPP : label === "delete net1-0" ? ENODEV : undefined),
    [byGroup, "delete net1-0", "delete net1-1", ofRule],
  ],
];

describe("detach", () => {
  test.each(rows)("%s", async (_title, refuse, deleted) => {
    const netlink = pod((label) => (label === ofRule ? undefined : refuse(label)));
    await detach({ netlink }, group);
    expect(deletions(netlink)).toEqual([...new Set([...deleted, ofRule])]);
  });

  test("a rule that is gone meanwhile is fine", async () => {
    const netlink = pod((label) => (label === ofRule ? ENOENT : undefined));
    await detach({ netlink }, group);
    expect(deletions(netlink)).toEqual([byGroup, ofRule]);
  });

  test("without rules the kernel is asked one thing", async () => {
    const netlink = pod(() => undefined);
    await detach({ netlink }, group, { rules: false });
    expect(netlink.requests.map(({ label }) => label)).toEqual([byGroup]);
  });

  test("what nobody can delete leaves the group, and the links go with one message all the same", async () => {
    let turn = 0;
    const netlink = pod(
      (label) => (label === byGroup && turn++ === 0 ? EOPNOTSUPP : undefined),
      [linkBody({ index: 1, name: "lo", group })],
    );
    await detach({ netlink }, group, { rules: false });
    expect(netlink.requests.map(({ label }) => label)).toEqual([
      byGroup,
      "list the links",
      `take lo out of group ${group}`,
      byGroup,
    ]);
  });

  const recorded = {
    ifname: "net1-0",
    master: "eth1",
    masterIndex: 7,
    mtu: 1500,
    mac: undefined,
    addresses: [],
  };
  const made = { ...recorded, kind: { kind, mode: "bridge" }, index: 9 } as const;
  test.each<[string, FakeLink, boolean]>([
    ["is deleted under any name and in any group", { index: 9, name: "x", link: 7, kind }, true],
    ["is no other at its name", { index: 8, name: "net1-0", link: 7, kind }, false],
    ["is no other on another master", { index: 9, name: "net1-0", link: 6, kind }, false],
    ["is no other of another kind", { index: 9, name: "net1-0", link: 7, kind: "ipvlan" }, false],
  ])("a link that was recorded %s", async (_title, link, isDeleted) => {
    const netlink = pod(() => undefined, [linkBody(link)]);
    await detach({ netlink }, group, { rules: false, links: [made] });
    expect(deletions(netlink)).toEqual([byGroup, ...(isDeleted ? [`delete ${link.name}`] : [])]);
  });

  test("a rule that the kernel calls permanent is left; another that is refused is told", async () => {
    const permanent = rules.map((body) => {
      const marked = body.slice();
      marked[8] = 1; // fib_rule_hdr's flags: FIB_RULE_PERMANENT
      return marked;
    });
    const usual = pod(() => undefined);
    const netlink = fakeNetlink((request) =>
      request.type === k.RTM_GETRULE ? (request.body[0] === k.AF_INET ? permanent : []) : [],
    );
    await detach({ netlink }, group);
    expect(deletions(netlink)).toEqual([byGroup]);
    await detach({ netlink: usual }, group);
    expect(deletions(usual)).toEqual([byGroup, ofRule]);
    await expect(
      detach({ netlink: pod((label) => (label === ofRule ? EPERM : undefined)) }, group),
    ).rejects.toMatchObject({ code: "EPERM", request: ofRule });
  });

  test("rules go though a link cannot, and so do the other links, and the refusal is told", async () => {
    const refused = [byGroup, "delete net1-0"];
    const netlink = pod((label) => (refused.includes(label) ? EPERM : undefined));
    await expect(detach({ netlink }, group)).rejects.toMatchObject({
      code: "EPERM",
      request: "delete net1-0",
    });
    expect(deletions(netlink)).toEqual([...refused, "delete net1-1", ofRule]);
  });

  test("several refusals are all told", async () => {
    const netlink = pod((label) => (label === ofRule ? EBUSY : EPERM));
    await expect(detach({ netlink }, group)).rejects.toMatchObject({
      errors: [{ request: "delete net1-0" }, { request: "delete net1-1" }, { request: ofRule }],
    });
  });
});
