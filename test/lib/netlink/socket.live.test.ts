import { describe, expect, test } from "vitest";
import { type Netns, openNetns } from "../../../lib/linux/netns.ts";
import { formatCidr, parseAddress, parseCidr } from "../../../lib/net/address.ts";
import type { Request } from "../../../lib/netlink/codec.ts";
import { NetlinkError } from "../../../lib/netlink/error.ts";
import type { NewLinkKind } from "../../../lib/netlink/kind/kinds.ts";
import {
  decodeAddress,
  deleteAddress,
  dumpAddresses,
  newAddress,
} from "../../../lib/netlink/message/address.ts";
import {
  decodeLink,
  deleteGroup,
  deleteLink,
  dumpLinks,
  getLinkByIndex,
  getLinkByName,
  type Link,
  newLink,
  setLink,
  setLinkUp,
} from "../../../lib/netlink/message/link.ts";
import {
  decodeRoute,
  deleteRoute,
  dumpRoutes,
  newRoute,
  type Route,
} from "../../../lib/netlink/message/route.ts";
import { decodeRule, deleteRule, dumpRules, newRule, type Rule } from "../../../lib/netlink/message/rule.ts";
import { makeMasters, makeNamespace, type Namespace, whyNoNamespaces } from "../../live/namespaces.ts";

const reason = whyNoNamespaces();
if (reason !== undefined) process.stderr.write(`socket.live.test.ts is skipped: it ${reason}\n`);

const bridge: NewLinkKind = { kind: "macvlan", mode: "bridge" };
const ofStatic = 4;

/** A host with masters veth0.., a pod, and both opened; let go of at the end. */
function makeStage(masters = 1) {
  const stack = new DisposableStack();
  const hostNs = stack.use(makeNamespace("host"));
  const podNs = stack.use(makeNamespace("pod"));
  const fabric = stack.use(makeNamespace("fabric"));
  const names = Array.from({ length: masters }, (_, nic) => `veth${nic}`);
  makeMasters(hostNs, fabric, names);
  const host = stack.use(openNetns(hostNs.path));
  const pod = stack.use(openNetns(podNs.path));
  return { hostNs, podNs, host, pod, names, [Symbol.dispose]: () => stack.dispose() };
}

async function ask<T>(
  netns: Netns,
  request: Request,
  decode: (message: { body: Uint8Array }) => T,
): Promise<T[]> {
  const [messages] = await netns.netlink.request([request]);
  return (messages ?? []).map((message) => decode(message));
}

async function linkNamed(netns: Netns, name: string): Promise<Link> {
  const [link] = await ask(netns, getLinkByName(name), decodeLink);
  if (link === undefined) throw new Error(`no ${name}`);
  return link;
}

async function refusal(promise: Promise<unknown>): Promise<NetlinkError> {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof NetlinkError)) throw new Error(`no NetlinkError but ${String(error)}`);
  return error;
}

/** Two macvlans net1-0 and net1-1 of the pod, up, with 10.1.<nic>.5/24 and fd00:<nic>::5/64; their ifindexes. */
async function makeNics(stage: ReturnType<typeof makeStage>): Promise<number[]> {
  const { host, pod, names } = stage;
  const masters = await Promise.all(names.map((name) => linkNamed(host, name)));
  await host.netlink.request(
    masters.map(({ index, name }, nic) =>
      newLink({ name: `net1-${nic}`, kind: bridge, link: index, master: name, netnsFd: pod.fd, group: 77 }),
    ),
  );
  const made = await Promise.all(names.map((_, nic) => linkNamed(pod, `net1-${nic}`)));
  await pod.netlink.request(
    made.flatMap(({ index }, nic) => [
      newAddress({ index, cidr: parseCidr(`10.1.${nic}.5/24`), nodad: true }),
      newAddress({ index, cidr: parseCidr(`fd00:${nic}::5/64`), nodad: true }),
      setLinkUp(index),
    ]),
  );
  return made.map(({ index }) => index);
}

/** What `ip -j` says must have these fields, somewhere. */
const hasRow = (namespace: Namespace, words: string, row: object) =>
  expect(namespace.ipJson(words)).toEqual(expect.arrayContaining([expect.objectContaining(row)]));

describe.skipIf(reason !== undefined)("links", () => {
  test.each(["bridge", "private", "vepa", "passthru"] as const)(
    "a macvlan in mode %s is made directly in the pod, as asked, and read back",
    async (mode) => {
      using stage = makeStage();
      const { host, pod, podNs } = stage;
      const master = await linkNamed(host, "veth0");
      const asked = { name: "net1-0", mtu: 1400, mac: "02:00:00:00:00:77", group: 2_000_000_077 };
      const kind = { kind: "macvlan", mode } as const;
      await host.netlink.request([newLink({ ...asked, kind, link: master.index, netnsFd: pod.fd })]);
      // A passthru macvlan has its master's address, whatever is asked for (macvlan_common_newlink).
      const mac = mode === "passthru" ? master.mac : asked.mac;
      hasRow(podNs, "-d link show net1-0", {
        ifname: "net1-0",
        mtu: 1400,
        address: mac,
        group: "2000000077",
      });
      expect(podNs.ipJson("-d link show net1-0")).toMatchObject([{ linkinfo: { info_data: { mode } } }]);
      expect(await linkNamed(pod, "net1-0")).toMatchObject({ ...asked, mac, kind, link: master.index });
    },
  );

  test("are read as ip reads them", async () => {
    using stage = makeStage(2);
    const { host, hostNs } = stage;
    hostNs.ip("link property add dev veth0 altname rail0");
    const links = await ask(host, dumpLinks(), decodeLink);
    const rows = hostNs.ipJson("-d link show");
    expect(
      links.map((link) => ({
        ifindex: link.index,
        ifname: link.name,
        mtu: link.mtu,
        min_mtu: link.minMtu,
        max_mtu: link.maxMtu,
        address: link.mac,
        operstate: link.operstate.toUpperCase(),
        altnames: link.altNames.length > 0 ? link.altNames : undefined,
        kind: link.kind?.kind === "other" ? link.kind.name : undefined,
      })),
    ).toEqual(
      rows.map(({ ifindex, ifname, mtu, min_mtu, max_mtu, address, operstate, altnames, linkinfo }) => ({
        ...{ ifindex, ifname, mtu, min_mtu, max_mtu, address, operstate, altnames },
        kind: (linkinfo as { info_kind: string } | undefined)?.info_kind,
      })),
    );
    expect(await ask(host, getLinkByIndex(1), decodeLink)).toEqual(links.filter(({ name }) => name === "lo"));
  });

  test("of a group go with one message, the others stay", async () => {
    using stage = makeStage(8);
    const { pod, podNs } = stage;
    await makeNics(stage);
    podNs.ip("link add stays type veth peer name peer");
    await pod.netlink.request([deleteGroup(77)]);
    const left = await ask(pod, dumpLinks(), decodeLink);
    expect(left.map(({ name }) => name).sort()).toEqual(["lo", "peer", "stays"]);
    expect((await refusal(pod.netlink.request([deleteGroup(77)]))).code).toBe("ENODEV");
  });

  test("are renamed, moved and deleted", async () => {
    using stage = makeStage();
    const { host, pod, podNs } = stage;
    const { index } = await linkNamed(host, "veth0");
    await host.netlink.request([
      setLink({ index, label: "take veth0 down", up: false }),
      setLink({ index, label: "move veth0", name: "net1-0", netnsFd: pod.fd, mtu: 1300, group: 5 }),
    ]);
    hasRow(podNs, "link show net1-0", { ifname: "net1-0", mtu: 1300, group: "5" });
    await pod.netlink.request([deleteLink((await linkNamed(pod, "net1-0")).index)]);
    expect((await refusal(linkNamed(pod, "net1-0"))).code).toBe("ENODEV");
  });
});

describe.skipIf(reason !== undefined)("addresses", () => {
  test("are added, read and deleted, in both families, of one link or of all", async () => {
    using stage = makeStage(2);
    const { pod, podNs } = stage;
    const [first = 0, second = 0] = await makeNics(stage);
    const textsOf = async (index?: number) =>
      (await ask(pod, dumpAddresses(index), decodeAddress))
        .filter(({ scope }) => scope === 0)
        .map(({ cidr }) => formatCidr(cidr));
    expect((await textsOf(first)).sort()).toEqual(["10.1.0.5/24", "fd00::5/64"]);
    expect((await textsOf(second)).sort()).toEqual(["10.1.1.5/24", "fd00:1::5/64"]);
    expect(await textsOf()).toHaveLength(4);
    hasRow(podNs, "-6 addr show net1-1", {
      addr_info: expect.arrayContaining([expect.objectContaining({ local: "fd00:1::5", nodad: true })]),
    });
    await pod.netlink.request([deleteAddress({ index: second, cidr: parseCidr("fd00:1::5/64") })]);
    expect(await textsOf(second)).toEqual(["10.1.1.5/24"]);
  });
});

describe.skipIf(reason !== undefined)("routes", () => {
  const via = (text: string) => parseAddress(text);
  const rows = (first: number, second: number): readonly (readonly [string, Route, object])[] => {
    const base = { table: 1000, protocol: ofStatic };
    const dst = parseCidr("10.9.0.0/16");
    const dst6 = parseCidr("fd09::/48");
    return [
      ["on the link", { ...base, dst, oif: first }, { dst: "10.9.0.0/16", dev: "net1-0", scope: "link" }],
      [
        "default",
        { ...base, dst: parseCidr("0.0.0.0/0"), oif: first, gateway: via("10.1.0.1") },
        { dst: "default" },
      ],
      [
        "default, IPv6",
        { ...base, dst: parseCidr("::/0"), oif: first, gateway: via("fd00:0::1"), priority: 7 },
        { dst: "default", gateway: "fd00::1", metric: 7 },
      ],
      [
        "with all there is",
        {
          ...base,
          dst,
          oif: second,
          gateway: via("172.16.0.1"),
          onlink: true,
          src: via("10.1.1.5"),
          priority: 50,
          mtu: 1400,
          advmss: 1360,
        },
        { gateway: "172.16.0.1", prefsrc: "10.1.1.5", metric: 50, flags: ["onlink"] },
      ],
      [
        "over two gateways",
        {
          ...base,
          dst,
          multipath: [
            { oif: first, gateway: via("10.1.0.1"), weight: 1 },
            { oif: second, gateway: via("10.1.1.1"), weight: 3 },
          ],
        },
        {
          dst: "10.9.0.0/16",
          nexthops: [expect.anything(), expect.objectContaining({ dev: "net1-1", weight: 3 })],
        },
      ],
      [
        "over two gateways, IPv6",
        {
          ...base,
          dst: dst6,
          priority: 1024,
          multipath: [
            { oif: first, gateway: via("fd00:0::1"), weight: 1 },
            { oif: second, gateway: via("fd00:1::1"), weight: 1 },
          ],
        },
        {
          dst: "fd09::/48",
          nexthops: [expect.anything(), expect.objectContaining({ gateway: "fd00:1::1" })],
        },
      ],
    ];
  };

  test("of every shape are added, shown by ip, read back and deleted", async () => {
    using stage = makeStage(2);
    const { pod, podNs } = stage;
    const [first = 0, second = 0] = await makeNics(stage);
    for (const [name, route, row] of rows(first, second)) {
      const { family } = route.dst.address;
      await pod.netlink.request([newRoute(route)]);
      expect([name, podNs.ipJson(`-${family} -d route show table 1000`)]).toMatchObject([name, [row]]);
      expect([name, await ask(pod, dumpRoutes(1000, family), decodeRoute)]).toMatchObject([name, [route]]);
      await pod.netlink.request([deleteRoute(route)]);
      expect(podNs.ip(`-${family} route show table 1000`)).toBe("");
    }
  });

  test("of both families and all tables come in one dump", async () => {
    using stage = makeStage();
    const { pod } = stage;
    await makeNics(stage);
    const routes = await ask(pod, dumpRoutes(), decodeRoute);
    expect(new Set(routes.map(({ dst }) => dst.address.family))).toEqual(new Set([4, 6]));
    expect(routes.some(({ table, type }) => table === 255 && type === 2)).toBe(true);
    expect((await ask(pod, dumpRoutes(254), decodeRoute)).every(({ table }) => table === 254)).toBe(true);
  });
});

describe.skipIf(reason !== undefined)("rules", () => {
  const rules: readonly Rule[] = [
    { family: 4, src: parseCidr("10.1.0.5/32"), table: 1000, priority: 1000, protocol: ofStatic },
    { family: 4, src: parseCidr("10.1.0.0/24"), table: 200, priority: 1001, protocol: ofStatic },
    { family: 6, src: parseCidr("fd00::5/128"), table: 4_000_000_000, priority: 1000, protocol: ofStatic },
    { family: 6, table: 200, priority: 1001, protocol: ofStatic },
  ];

  test("are added, shown by ip, read back and deleted", async () => {
    using stage = makeStage();
    const { pod, podNs } = stage;
    const ours = async (family: 4 | 6) =>
      (await ask(pod, dumpRules(family), decodeRule)).filter(({ protocol }) => protocol === ofStatic);
    await pod.netlink.request(rules.map(newRule));
    hasRow(podNs, "-4 rule show", { priority: 1000, src: "10.1.0.5", table: "1000" });
    hasRow(podNs, "-6 rule show", { priority: 1000, src: "fd00::5", table: "4000000000" });
    for (const family of [4, 6] as const) {
      const asked = rules.filter((rule) => rule.family === family);
      expect(await ours(family)).toEqual(asked.map((rule) => ({ ...rule, action: 1 })));
    }
    expect((await refusal(pod.netlink.request(rules.slice(0, 1).map(newRule)))).code).toBe("EEXIST");
    await pod.netlink.request(rules.map(deleteRule));
    expect([...(await ours(4)), ...(await ours(6))]).toEqual([]);
    expect((await refusal(pod.netlink.request(rules.slice(0, 1).map(deleteRule)))).code).toBe("ENOENT");
  });
});

describe.skipIf(reason !== undefined)("what the kernel refuses", () => {
  test("is said in its words, and what else the batch asked for is done all the same", async () => {
    using stage = makeStage();
    const { host, pod, podNs } = stage;
    const { index } = await linkNamed(host, "veth0");
    const link = { kind: bridge, link: index, master: "veth0", netnsFd: pod.fd, group: 77 };
    const batch = ["net1-0", "net1-0", "net1-1", "lo"].map((name) => newLink({ ...link, name }));
    const error = await refusal(host.netlink.request(batch));
    expect(error.message).toBe("create macvlan net1-0 on veth0: File exists (EEXIST)");
    expect([error, ...error.others].map(({ index: at }) => at)).toEqual([1, 3]);
    const names = podNs.ipJson("link show group 77").flatMap(({ ifname }) => ifname ?? []);
    expect(names).toEqual(["net1-0", "net1-1"]);
  });

  test.each<[string, (link: number, netnsFd: number) => Request, string]>([
    [
      "an MTU too small",
      (link, netnsFd) =>
        newLink({ name: "net1-0", kind: bridge, link, master: "veth0", netnsFd, group: 1, mtu: 1 }),
      "create macvlan net1-0 on veth0: Invalid argument (EINVAL): mtu less than device minimum",
    ],
    [
      "a name too long",
      () => getLinkByName("a-name-of-16-chr"),
      "look up a-name-of-16-chr: Numerical result out of range (ERANGE): Attribute failed policy validation",
    ],
    ["a link that is not there", () => setLinkUp(4711), "bring link 4711 up: No such device (ENODEV)"],
  ])("has the extended acknowledgement's text where there is one: %s", async (_name, make, message) => {
    using stage = makeStage();
    const { host, pod } = stage;
    const { index } = await linkNamed(host, "veth0");
    expect((await refusal(host.netlink.request([make(index, pod.fd)]))).message).toBe(message);
  });

  test("has an explanation: a gateway that is on no link", async () => {
    using stage = makeStage();
    const { pod } = stage;
    const [index = 0] = await makeNics(stage);
    const dst = parseCidr("10.9.0.0/16");
    const route = { dst, table: 254, protocol: ofStatic, oif: index, gateway: parseAddress("172.31.0.1") };
    expect((await refusal(pod.netlink.request([newRoute(route)]))).message).toBe(
      "add route 10.9.0.0/16 via 172.31.0.1 in table 254: Network is unreachable (ENETUNREACH): Nexthop has invalid gateway",
    );
  });
});

describe.skipIf(reason !== undefined)("a socket", () => {
  test("takes a batch of 600, and gives a dump of 600, with nothing lost", async () => {
    using stage = makeStage();
    const { pod } = stage;
    const [index = 0] = await makeNics(stage);
    const cidrs = Array.from({ length: 600 }, (_, n) => parseCidr(`10.${2 + (n >> 8)}.${n & 255}.1/32`));
    await pod.netlink.request(cidrs.map((cidr) => newAddress({ index, cidr, nodad: true })));
    const read = await ask(pod, dumpAddresses(index), decodeAddress);
    const texts = new Set(read.map(({ cidr }) => formatCidr(cidr)));
    expect(cidrs.filter((cidr) => !texts.has(formatCidr(cidr)))).toEqual([]);
  });

  test("takes 50 requests at once, each with the answer to its own", async () => {
    using stage = makeStage(4);
    const { host, names } = stage;
    const asked = Array.from({ length: 50 }, (_, n) => names[n % names.length] ?? "");
    const links = await Promise.all(asked.map((name) => linkNamed(host, name)));
    expect(links.map(({ name }) => name)).toEqual(asked);
  });

  test("does not keep a process alive", async () => {
    using stage = makeStage();
    const script = `
      import { openNetns } from "./lib/linux/netns.ts";
      import { dumpLinks } from "./lib/netlink/message/link.ts";
      const [links] = await openNetns(process.argv[1]).netlink.request([dumpLinks()]);
      console.log(links.length);`;
    expect(stage.hostNs.exec(process.execPath, "--input-type=module", "-e", script, stage.podNs.path)).toBe(
      "1\n",
    );
  });
});
