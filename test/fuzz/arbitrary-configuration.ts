import fc from "fast-check";

/*
 * Network configurations as a user of a namespace might write them: every key that some plugin reads, in any case of
 * letters, with values that are nearly right, of another type, huge, or made to confuse.
 */

const ipv4 = fc.tuple(fc.nat(300), fc.nat(255), fc.nat(255), fc.nat(255)).map((octets) => octets.join("."));
const ipv6 = fc.oneof(fc.ipV6(), fc.constantFrom("::", "fd00::1", "::ffff:10.0.0.1", "fe80::1%eth0"));
const address = fc.oneof(ipv4, ipv6);
const cidr = fc.oneof(
  fc.tuple(address, fc.nat(140)).map(([text, prefix]) => `${text}/${prefix}`),
  fc.constantFrom(
    "0.0.0.0/0",
    "::/0",
    "10.0.0.0/8",
    "192.168.0.0/16",
    "fd00::/48",
    "10.0.0.0/31",
    "10.0.0.0/32",
    "/",
    "10.0.0.0/+8",
  ),
);

const subnet = fc.constantFrom(
  "10.0.0.0/8",
  "192.168.0.0/16",
  "fd00::/48",
  "::/0",
  "0.0.0.0/0",
  "10.0.0.0/30",
);

const confusing = fc.constantFrom(
  "../../etc/passwd",
  "/proc/1/ns/net",
  "..",
  ".",
  "a/b",
  "constructor",
  "__proto__",
  "toString",
  "\u0000",
  "net1\n",
  "\ud800",
  "Ⅷ",
  "x".repeat(5000),
  "-1",
  "1e309",
  "NaN",
);
const linkName = fc.oneof(
  fc.constantFrom("eth0", "eth1", "eth2", "lo"),
  confusing,
  fc.string({ maxLength: 20 }),
);
const number = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(-1, 0, 1, 2, 6, 1500, 2 ** 31, 2 ** 53, 1e308),
);
const text = fc.oneof(address, cidr, linkName, confusing, fc.string());
const anything = fc.oneof(
  { depthSize: "small" },
  text,
  number,
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 4 }),
);

/** Mostly what the key wants, at times anything. */
const mostly = <T>(wanted: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 30, arbitrary: wanted }, { weight: 1, arbitrary: anything });
const list = <T>(of: fc.Arbitrary<T>) => mostly(fc.array(mostly(of), { maxLength: 6 }));

const route = fc.record(
  {
    dst: mostly(cidr),
    gw: mostly(address),
    mtu: mostly(number),
    table: mostly(number),
    priority: mostly(number),
    scope: mostly(number),
  },
  { requiredKeys: ["dst"] },
);
const dns = fc.record(
  { nameservers: list(address), domain: mostly(text), search: list(text) },
  { requiredKeys: [] },
);

const ipam = fc.record(
  {
    type: mostly(
      fc.constantFrom(
        "multi-nic-ipam",
        "multi-nic-ipam",
        "multi-nic-ipam",
        "static",
        "host-local",
        "../evil",
        "",
      ),
    ),
    subnet: mostly(fc.oneof(subnet, fc.tuple(subnet, subnet), cidr)),
    interfaceBlock: mostly(fc.nat(10)),
    hostBlock: mostly(fc.nat(12)),
    hostIndex: mostly(fc.nat(70)),
    interfaceIndex: mostly(fc.nat(3)),
    excludeCIDRs: list(cidr),
    gateway: mostly(fc.oneof(address, fc.array(address, { maxLength: 3 }))),
    coolDown: mostly(number),
    routes: list(route),
    addresses: list(fc.record({ address: mostly(cidr), gateway: mostly(address) }, { requiredKeys: [] })),
    dns: mostly(dns),
  },
  { requiredKeys: ["type", "subnet"] },
);

const plugin = fc.record(
  {
    type: mostly(fc.constantFrom("ipvlan", "macvlan", "macvlan", "sriov", "constructor")),
    mode: mostly(fc.constantFrom("l2", "l3", "bridge", "private", "vepa")),
    flag: mostly(fc.constantFrom("bridge", "private", "vepa")),
    mtu: mostly(number),
    mac: mostly(fc.constantFrom("02:00:00:00:00:01", "01:00:5e:00:00:01", "xx")),
    bcqueuelen: mostly(number),
    linkInContainer: mostly(fc.boolean()),
  },
  { requiredKeys: ["type"] },
);

const bandwidth = fc.oneof(fc.constantFrom("10Gbps", "2.5G", "1e9T", "0G", "9999999999999M"), text);
const attachPolicy = fc.record(
  {
    strategy: mostly(fc.constantFrom("none", "devClass", "topology", "costOpt", "perfOpt")),
    class: mostly(text),
    target: mostly(bandwidth),
  },
  { requiredKeys: [] },
);
const cni = fc.record(
  {
    nics: mostly(number),
    masters: list(linkName),
    master: mostly(linkName),
    ips: list(cidr),
    class: mostly(text),
    target: mostly(bandwidth),
  },
  { requiredKeys: [] },
);

const known = fc.record(
  {
    cniVersion: mostly(
      fc.constantFrom("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0", "1.1.0"),
    ),
    name: mostly(fc.constantFrom("n1", "multi-nic-sample")),
    type: mostly(fc.constant("multi-nic")),
    plugin: mostly(plugin),
    masters: list(linkName),
    masterNets: list(cidr),
    multiNICIPAM: mostly(fc.boolean()),
    naming: mostly(fc.constantFrom("indexed", "first-exact")),
    sourceRouting: mostly(fc.boolean()),
    attachPolicy: mostly(attachPolicy),
    subnet: mostly(fc.oneof(subnet, fc.tuple(subnet, subnet), cidr)),
    ipam: mostly(ipam),
    dns: mostly(dns),
    args: mostly(fc.record({ cni: mostly(cni) }, { requiredKeys: [] })),
    runtimeConfig: mostly(
      fc.record({ ips: list(cidr), mac: mostly(text), deviceID: mostly(text) }, { requiredKeys: [] }),
    ),
    prevResult: mostly(
      fc.record(
        {
          interfaces: list(fc.record({ name: mostly(linkName) })),
          ips: list(fc.record({ address: mostly(cidr) })),
        },
        { requiredKeys: [] },
      ),
    ),
    error: mostly(
      fc.record({ code: mostly(number), msg: mostly(text), details: mostly(text) }, { requiredKeys: [] }),
    ),
    status: mostly(fc.constantFrom("ready", "strict")),
    "cni.dev/valid-attachments": list(fc.record({ containerID: mostly(text), ifname: mostly(linkName) })),
  },
  { requiredKeys: ["name", "plugin", "ipam"] },
);

/** Another case of letters for some keys, and keys that have a meaning in JavaScript. */
function respell(json: string, seed: number): string {
  let turn = seed;
  return json.replace(/"(\w+)":/g, (whole, key: string) => {
    turn = (turn * 1103515245 + 12345) & 0x7fffffff;
    if (turn % 11 === 0) return `"${key.toUpperCase()}":`;
    return turn % 251 === 0 ? '"__proto__":' : whole;
  });
}

/** Text of a configuration that has the structure of one. */
export const structured: fc.Arbitrary<string> = fc
  .tuple(known, fc.nat())
  .map(([conf, seed]) => respell(JSON.stringify(conf), seed));

const sound = JSON.stringify({
  cniVersion: "1.1.0",
  name: "n1",
  type: "multi-nic",
  plugin: { type: "ipvlan", mode: "l3" },
  masters: ["eth1", "eth2"],
  subnet: ["192.168.0.0/16", "fd00::/48"],
  ipam: {
    type: "multi-nic-ipam",
    hostBlock: 6,
    interfaceBlock: 2,
    hostIndex: 1,
    routes: [{ dst: "10.0.0.0/8" }],
  },
  prevResult: {
    cniVersion: "1.1.0",
    interfaces: [{ name: "eth0" }],
    ips: [{ address: "10.1.1.1/24", interface: 0 }],
  },
});

interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(sound.length),
  remove: fc.nat(12),
  insert: fc.oneof(
    fc.string({ maxLength: 6 }),
    fc.string({ unit: "binary", maxLength: 4 }),
    fc.constantFrom('"', "{", "}", "[[[[", "\\u", ",", "1e999", "-"),
  ),
});

/** Text of a sound configuration with bytes lost, doubled or put in. */
export const mangled: fc.Arbitrary<string> = fc
  .array(edit, { minLength: 1, maxLength: 8 })
  .map((edits) =>
    edits.reduce(
      (json, { at, remove, insert }) => json.slice(0, at) + insert + json.slice(at + remove),
      sound,
    ),
  );

export const environment = fc.record({
  CNI_COMMAND: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom("ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION") },
    { weight: 1, arbitrary: confusing },
  ),
  CNI_CONTAINERID: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("c1", "0123456789abcdef") },
    { weight: 1, arbitrary: confusing },
  ),
  CNI_NETNS: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("/run/netns/none", "") },
    { weight: 1, arbitrary: confusing },
  ),
  CNI_IFNAME: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("net1", "eth0") },
    { weight: 1, arbitrary: confusing },
  ),
  CNI_PATH: fc.constantFrom("/nonexistent", "", "relative:/nonexistent"),
  CNI_ARGS: fc.oneof(
    fc.constantFrom(
      "",
      "IgnoreUnknown=true;K8S_POD_NAME=p",
      "IP=10.0.0.1/24,fd00::1",
      "MAC=02:00:00:00:00:01",
      ";;",
      "a=b=c",
    ),
    fc.string(),
  ),
});
