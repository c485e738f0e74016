import type { Result } from "../../../lib/cni/result.ts";

/** A result that has everything, in the newest shape. */
export const everything: Result = {
  interfaces: [
    { name: "eth1" },
    {
      name: "net1-0",
      mac: "02:00:00:00:00:01",
      mtu: 1500,
      sandbox: "/run/netns/pod",
      socketPath: "/run/vhost.sock",
      pciID: "0000:01:00.1",
    },
  ],
  ips: [
    { interface: 0, address: "10.0.0.5/16", gateway: "10.0.0.1" },
    { interface: 1, address: "fd00::5/64", gateway: "fd00::1" },
    { address: "10.1.0.5/16" },
  ],
  routes: [
    { dst: "0.0.0.0/0", gw: "10.0.0.1", mtu: 1400, advmss: 1360, priority: 100, table: 0, scope: 0 },
    { dst: "fd01::/64" },
  ],
  dns: { nameservers: ["10.0.0.53"], domain: "pod.local", search: ["a.b"], options: ["ndots:5"] },
};

const dns = everything.dns;

const perFamily = {
  ip4: { ip: "10.0.0.5/16", gateway: "10.0.0.1", routes: [{ dst: "0.0.0.0/0", gw: "10.0.0.1" }] },
  ip6: { ip: "fd00::5/64", gateway: "fd00::1", routes: [{ dst: "fd01::/64" }] },
  dns,
};

const old = {
  interfaces: [{ name: "eth1" }, { name: "net1-0", mac: "02:00:00:00:00:01", sandbox: "/run/netns/pod" }],
  routes: [{ dst: "0.0.0.0/0", gw: "10.0.0.1" }, { dst: "fd01::/64" }],
  dns,
};

const withVersions = {
  ...old,
  ips: [
    { version: "4", interface: 0, address: "10.0.0.5/16", gateway: "10.0.0.1" },
    { version: "6", interface: 1, address: "fd00::5/64", gateway: "fd00::1" },
    { version: "4", address: "10.1.0.5/16" },
  ],
};

/** The same as each version has it on the wire. */
export const onTheWire: readonly (readonly [string, object])[] = [
  ["0.1.0", { cniVersion: "0.1.0", ...perFamily }],
  ["0.2.0", { cniVersion: "0.2.0", ...perFamily }],
  ["0.3.0", { cniVersion: "0.3.0", ...withVersions }],
  ["0.3.1", { cniVersion: "0.3.1", ...withVersions }],
  ["0.4.0", { cniVersion: "0.4.0", ...withVersions }],
  ["1.0.0", { cniVersion: "1.0.0", ...old, ips: everything.ips }],
  ["1.1.0", { cniVersion: "1.1.0", ...everything }],
];

/** What is left of `everything` after its way through a version. */
export const readBack: Readonly<Record<string, Result>> = {
  perFamily: {
    interfaces: [],
    ips: [
      { address: "10.0.0.5/16", gateway: "10.0.0.1" },
      { address: "fd00::5/64", gateway: "fd00::1" },
    ],
    routes: old.routes,
    dns,
  },
  lists: { interfaces: old.interfaces, ips: everything.ips, routes: old.routes, dns },
  newest: everything,
};
