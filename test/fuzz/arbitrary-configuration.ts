import fc from "fast-check";
import { deviceIDs, deviceText, plugin } from "./arbitrary-plugin.ts";
import { address, cidr, linkName, list, mostly, number, subnet, text } from "./arbitrary-values.ts";

/*
 * Network configurations as a user of a namespace might write them: every key that some plugin reads, in any case of
 * letters.
 */

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

/** Of multi-config: a section for each master. */
const masterSections = fc.dictionary(
  linkName,
  mostly(
    fc.record({
      ipam_type: mostly(
        fc.constantFrom("multi-nic-ipam", "static", "host-local", "multi-nicd", "multi-config", ""),
      ),
      subnet: mostly(subnet),
      hostIndex: mostly(fc.nat(70)),
    }),
  ),
  { maxKeys: 4 },
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
        "multi-config",
        "multi-config",
        "host-device-ipam",
        "multi-nic",
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
    vlanMode: mostly(text),
    args: mostly(masterSections),
    dns: mostly(dns),
  },
  { requiredKeys: ["type", "subnet"] },
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

const version = fc.constantFrom("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0", "1.1.0");

/** A configuration with the structure of one, before it is text. */
export const known = fc.record(
  {
    cniVersion: mostly(version),
    name: mostly(fc.constantFrom("n1", "multi-nic-sample")),
    type: mostly(fc.constant("multi-nic")),
    plugin: mostly(plugin),
    deviceIDs,
    deviceID: mostly(fc.oneof(deviceText, deviceIDs)),
    pciBusID: mostly(deviceText),
    master: mostly(linkName),
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
      fc.record({ ips: list(cidr), mac: mostly(text), deviceID: mostly(deviceText) }, { requiredKeys: [] }),
    ),
    prevResult: mostly(
      fc.record(
        {
          cniVersion: mostly(version),
          interfaces: list(
            fc.record(
              {
                name: mostly(fc.oneof(fc.constantFrom("net1", "net1-0", "net1-1", "net1-256"), linkName)),
                sandbox: mostly(fc.constantFrom("", "/run/netns/none")),
                mtu: mostly(number),
              },
              { requiredKeys: ["name"] },
            ),
          ),
          ips: list(
            fc.record(
              { address: mostly(cidr), interface: mostly(fc.nat(3)), gateway: mostly(address) },
              { requiredKeys: ["address"] },
            ),
          ),
          routes: list(route),
          dns: mostly(dns),
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
