import { type BadInput, base, describeBadInput, ipvlan, macvlan } from "./bad-input.ts";
import { pool } from "./conf.ts";

const rows: readonly BadInput[] = [
  {
    title: "no plugin",
    conf: base({ plugin: undefined }),
    code: 7,
    says: /^plugin: is missing; write "plugin"/,
  },
  {
    title: "an unknown kind of link",
    conf: base({ plugin: { type: "vxlan" } }),
    code: 2,
    says: /^plugin\.type: "vxlan" .*ipvlan/,
  },
  {
    title: "an unknown ipvlan mode",
    conf: ipvlan({ mode: "l4" }),
    code: 7,
    says: /^plugin\.mode: "l4" .*"l2", "l3", "l3s"/,
  },
  {
    title: "an unknown ipvlan flag",
    conf: ipvlan({ flag: "shared" }),
    code: 7,
    says: /^plugin\.flag: "shared" .*"private"/,
  },
  {
    title: "an unknown macvlan mode",
    conf: macvlan({ mode: "l3" }),
    code: 7,
    says: /^plugin\.mode: "l3" .*"passthru"/,
  },
  {
    title: "an MTU above the master's",
    conf: macvlan({ mtu: 9000 }),
    code: 7,
    says: /^plugin\.mtu: 9000 .*1500.*eth1.*at most 1500/,
  },
  { title: "an MTU below zero", conf: macvlan({ mtu: -1 }), code: 7, says: /^plugin\.mtu: -1 .*at least 0/ },
  {
    title: "an MTU that IPv4 cannot have",
    conf: macvlan({ mtu: 60 }),
    code: 7,
    says: /^plugin\.mtu: 60 .*68/,
  },
  {
    title: "an MTU that IPv6 cannot have, where it has IPv6 addresses",
    conf: base({ plugin: { type: "macvlan", mtu: 1000 } }, pool([6])),
    code: 7,
    says: /^plugin\.mtu: 1000, .*1280/,
  },
  {
    title: "an MTU that is text",
    conf: macvlan({ mtu: "1400" }),
    code: 7,
    says: /^plugin\.mtu: "1400" is not a (whole )?number/,
  },
  {
    title: "links of another container",
    conf: macvlan({ linkInContainer: true }),
    code: 7,
    says: /^plugin\.linkInContainer: true .*false/,
  },
  {
    title: "a MAC for two NICs",
    conf: base({ masters: ["eth1", "eth2"], runtimeConfig: { mac: "02:00:00:00:00:01" } }),
    code: 7,
    says: /^mac: 02:00:00:00:00:01 .*nics: 1/,
  },
  {
    title: "a multicast MAC",
    conf: macvlan({ mac: "03:00:00:00:00:01" }),
    code: 7,
    says: /^plugin\.mac: "03:00:00:00:00:01" .*unicast/,
  },
  {
    title: "a MAC for an ipvlan",
    conf: base({ plugin: { type: "ipvlan" }, runtimeConfig: { mac: "02:00:00:00:00:01" } }),
    code: 7,
    says: /^mac: .*ipvlan.*macvlan/,
  },
  {
    title: "a name that no interface of several can have",
    conf: base({}),
    at: { ifname: "interface-of-15" },
    code: 4,
    says: /^CNI_IFNAME: "interface-of-15" .*"interface-of-15-0".*at most 13/,
  },
  {
    title: "an unknown naming",
    conf: base({ naming: "first" }),
    code: 7,
    says: /^naming: "first" .*"first-exact"/,
  },
];

describeBadInput("of links, ADD refuses", rows);
