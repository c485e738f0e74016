import fc from "fast-check";

/*
 * Sound configurations but for one or two values of some 100 KiB and more: so many that work which grows with their square, or
 * with the one times the other, takes far longer than a call may.
 */

const count = 30_000;
const many = <T>(entry: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => entry(i));
const manyKeys = <T>(value: (i: number) => T) =>
  Object.fromEntries(many((i): [string, T] => [`eth${i}`, value(i)]));

const pciAddress = (i: number) =>
  `${(0x10000 + (i >> 8)).toString(16)}:${(i & 255).toString(16).padStart(2, "0")}:00.0`;
const cidr = (i: number) => `10.${(i >> 8) & 255}.${i & 255}.0/24`;

/** Made once: each takes milliseconds. */
const values = {
  ids: many(pciAddress).join(),
  listOfIds: many(pciAddress),
  names: many((i) => `eth${i}`),
  cidrs: many(cidr),
  sameCidrs: many(() => "10.0.0.0/8"),
  addresses: many((i) => ({ address: cidr(i), gateway: "10.0.0.1" })),
  routes: many((i) => ({ dst: cidr(i), gw: "10.0.0.1" })),
  sections: manyKeys((i) => ({ ipam_type: "multi-nic-ipam", place: i })),
  interfaces: many((i) => ({ name: `net1-${i}` })),
  attachments: many((i) => ({ containerID: `c${i}`, ifname: "net1" })),
  keys: manyKeys(() => 0),
  empties: many(() => ({})),
  nested: JSON.parse(`${"[".repeat(90)}${"]".repeat(90)}`),
  text: "x".repeat(300_000),
  digits: "1".repeat(300_000),
  colons: ":".repeat(300_000),
  dots: "1.".repeat(150_000),
  commas: ",".repeat(300_000),
};
type Kind = keyof typeof values;

/** Where a value may stand, and those that are nearest to what is wanted there. */
const places: readonly [path: string, ...kinds: Kind[]][] = [
  ["name", "text", "digits"],
  ["cniVersion", "dots", "digits", "text"],
  ["plugin", "keys"],
  ["plugin.type", "text"],
  ["plugin.mode", "text"],
  ["plugin.mac", "colons", "text"],
  ["plugin.hwaddr", "colons"],
  ["plugin.device", "text"],
  ["plugin.kernelpath", "text"],
  ["plugin.pciBusID", "ids", "colons"],
  ["deviceIDs", "listOfIds", "ids", "commas"],
  ["deviceID", "ids", "listOfIds", "commas"],
  ["pciBusID", "ids"],
  ["masters", "names", "text"],
  ["masterNets", "cidrs", "sameCidrs", "digits"],
  ["subnet", "cidrs", "digits", "colons"],
  ["attachPolicy.target", "digits", "dots"],
  ["attachPolicy.class", "text"],
  ["args.cni.masters", "names", "text"],
  ["args.cni.ips", "cidrs", "sameCidrs"],
  ["runtimeConfig.ips", "cidrs", "sameCidrs"],
  ["runtimeConfig.mac", "colons"],
  ["runtimeConfig.deviceID", "ids", "commas"],
  ["ipam", "keys"],
  ["ipam.type", "text"],
  ["ipam.subnet", "cidrs", "dots"],
  ["ipam.excludeCIDRs", "cidrs", "sameCidrs"],
  ["ipam.gateway", "cidrs", "names"],
  ["ipam.routes", "routes", "empties"],
  ["ipam.addresses", "addresses", "empties"],
  ["ipam.args", "sections", "keys"],
  ["ipam.dns", "keys"],
  ["dns.search", "names", "text"],
  ["dns.domain", "text"],
  ["prevResult.interfaces", "interfaces", "empties"],
  ["prevResult.ips", "addresses", "empties"],
  ["prevResult.routes", "routes"],
  ["prevResult.cniVersion", "dots", "text"],
  ["cni.dev/valid-attachments", "attachments", "empties"],
  ["error.msg", "text"],
  ["x", "keys", "nested", "text"],
];

interface Placed {
  readonly path: string;
  readonly kind: Kind;
}

const placed: fc.Arbitrary<Placed> = fc.constantFrom(...places).chain(([path, ...fitting]) =>
  fc.record({
    path: fc.constant(path),
    kind: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...fitting) },
      { weight: 1, arbitrary: fc.constantFrom(...(Object.keys(values) as Kind[])) },
    ),
  }),
);

interface Tree {
  [key: string]: unknown;
}

/** "cni.dev/…" is one key, whatever is in it. */
const keysOf = (path: string): string[] => (path.includes("/") ? [path] : path.split("."));

function put(conf: Tree, { path, kind }: Placed): void {
  const keys = keysOf(path);
  const last = keys.pop() ?? "";
  let at = conf;
  for (const key of keys) {
    const next = typeof at[key] === "object" && at[key] !== null ? { ...at[key] } : {};
    at[key] = next;
    at = next as Tree;
  }
  at[last] = values[kind];
}

/** What is read of each kind of link and IPAM only: the place says which. */
function soundFor(path: string): Tree {
  const ofDevices = /device|pciBusID|hwaddr|kernelpath/i.test(path);
  const type = { "ipam.args": "multi-config", "ipam.addresses": "static" }[path];
  return {
    cniVersion: "1.1.0",
    name: "n1",
    type: "multi-nic",
    plugin: { type: ofDevices ? "host-device" : "macvlan" },
    attachPolicy: { strategy: path.startsWith("attachPolicy") ? "costOpt" : "none" },
    ipam: {
      type: type ?? (path.startsWith("prevResult") ? "host-local" : "multi-nic-ipam"),
      subnet: "10.0.0.0/8",
    },
  };
}

function textOf(first: Placed, second?: Placed | null): string {
  const conf = soundFor(first.path);
  for (const each of [second, first]) if (each) put(conf, each);
  return JSON.stringify(conf);
}

/** Text of a configuration that is sound but for its size. */
export const huge: fc.Arbitrary<string> = fc
  .tuple(placed, fc.option(placed, { freq: 2 }))
  .map(([first, second]) => textOf(first, second));

/** Every place with what is nearest to what is wanted there, alone and beside many keys that nobody reads. */
export function* everyHuge(): Generator<[title: string, text: string]> {
  for (const [path, ...kinds] of places) {
    for (const kind of kinds) {
      yield [`${path}: ${kind}`, textOf({ path, kind })];
      if (path !== "x")
        yield [`${path}: ${kind}, x: keys`, textOf({ path, kind }, { path: "x", kind: "keys" })];
    }
  }
}
