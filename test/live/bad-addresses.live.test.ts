import type { JsonObject } from "../../lib/cni/json.ts";
import { type BadInput, base, describeBadInput, ipam } from "./bad-input.ts";
import { pool } from "./conf.ts";
import { writeNodeFile } from "./node.ts";

interface FiledRow {
  readonly what: string;
  readonly content: object;
  readonly says: RegExp;
  /** Of the configuration */
  readonly more?: JsonObject;
}

const rows: readonly BadInput[] = [
  {
    title: "excludes of IPv6 in an IPv4 subnet",
    conf: ipam({ excludeCIDRs: ["fd10::/64"] }),
    code: 7,
    says: /^ipam\.excludeCIDRs: "fd10::\/64" is IPv6.*remove/,
  },
  {
    title: "an exclude outside the subnet",
    conf: ipam({ excludeCIDRs: ["10.0.0.0/8"] }),
    code: 7,
    says: /^ipam\.excludeCIDRs: "10\.0\.0\.0\/8" is outside/,
  },
  {
    title: "overlapping excludes that leave nothing",
    conf: ipam({ excludeCIDRs: ["192.168.1.0/25", "192.168.1.64/26", "192.168.1.128/25"] }),
    code: 7,
    says: /^ipam\.excludeCIDRs: .*leave no address of "192\.168\.1\.0\/24".*exclude less/,
  },
  {
    title: "an exclude that is no network",
    conf: ipam({ excludeCIDRs: ["192.168.1.300/32"] }),
    code: 7,
    says: /^ipam\.excludeCIDRs: .*192\.168\.1\.300.*write/,
  },
  {
    title: "a host block that leaves no addresses",
    conf: ipam({ hostBlock: 12 }),
    code: 7,
    says: /^ipam\.hostBlock: 12 leaves no addresses.*at most 11/,
  },
  {
    title: "a host block larger than the subnet",
    conf: ipam({ hostBlock: 20 }),
    code: 7,
    says: /^ipam\..*hostBlock: 20 .*do not fit/,
  },
  {
    title: "no host index",
    conf: ipam({ hostIndex: undefined }),
    code: 7,
    says: /^ipam\.hostIndex: missing.*networks\/n1\.json/,
  },
  {
    title: "a host index that the host block has no room for",
    conf: ipam({ hostIndex: 32 }),
    code: 7,
    says: /^ipam\.hostIndex: 32 is outside 0\.\.31/,
  },
  {
    title: "more NICs than the interface block has room for",
    conf: base({ masters: ["eth1", "eth2"] }, pool([4], { interfaceBlock: 0 })),
    code: 7,
    says: /^ipam\.interfaceBlock: 0 .*1 NIC.*larger/,
  },
  { title: "no subnet", conf: base({ subnet: undefined }), code: 7, says: /^subnet: none is given; set it/ },
  {
    title: "a subnet with host bits",
    conf: base({ subnet: "192.168.0.1/16" }),
    code: 7,
    says: /^subnet: "192\.168\.0\.1\/16" .*write "192\.168\.0\.0\/16"/,
  },
  {
    title: "a subnet that is no network",
    conf: base({ subnet: "192.168/16" }),
    code: 7,
    says: /^subnet: .*192\.168.*write/,
  },
  {
    title: "an address that was requested outside the block",
    conf: base({}),
    at: { args: "IP=10.0.0.1" },
    code: 7,
    says: /^CNI_ARGS IP: "10\.0\.0\.1" is outside.*192\.168\.1\.0\/24/,
  },
  {
    title: "a reserved address that was requested",
    conf: base({ runtimeConfig: { ips: ["192.168.1.255"] } }),
    code: 7,
    says: /192\.168\.1\.255.* reserved.*192\.168\.1\.1 to 192\.168\.1\.254/,
  },
  {
    title: "an excluded address that was requested",
    conf: base({ args: { cni: { ips: ["192.168.1.4"] } } }, pool([4], { excludeCIDRs: ["192.168.1.4/32"] })),
    code: 7,
    says: /192\.168\.1\.4.*ipam\.excludeCIDRs.*another/,
  },
  {
    title: "a requested address that is none",
    conf: base({}),
    at: { args: "IP=nonsense" },
    code: 7,
    says: /^CNI_ARGS IP: .*nonsense.*write it as/,
  },
  {
    title: "a route of a family the pod has not",
    conf: ipam({ routes: [{ dst: "fd99::/64" }] }),
    code: 7,
    says: /fd99::\/64 .*IPv6/,
  },
  {
    title: "a route that is none",
    conf: ipam({ routes: [{ dst: "somewhere" }] }),
    code: 7,
    says: /^ipam\.routes\[0\]\.dst: .*somewhere/,
  },
  {
    title: "its own IPAM asked once for each NIC",
    conf: base({ multiNICIPAM: false }),
    code: 7,
    says: /^multiNICIPAM: false .*write true/,
  },
  {
    title: "static addresses for fewer NICs",
    conf: base({
      masters: ["eth1", "eth2"],
      ipam: { type: "static", addresses: [{ address: "10.0.0.1/24" }] },
    }),
    code: 7,
    says: /^ipam\.addresses: 1 IPv4 for 2 NICs/,
  },
  {
    title: "a static address without prefix length",
    conf: base({ ipam: { type: "static", addresses: [{ address: "10.0.0.1" }] } }),
    code: 7,
    says: /^ipam\.addresses.*"10\.0\.0\.1".*10\.0\.0\.1\/24/,
  },
  {
    title: "an IPAM that is not installed",
    conf: base({ multiNICIPAM: false, ipam: { type: "nowhere" } }),
    code: 102,
    says: /type: no plugin "nowhere" in .*install/,
  },
  {
    title: "an IPAM that leads out of CNI_PATH",
    conf: base({ multiNICIPAM: false, ipam: { type: "../bin/sh" } }),
    code: 7,
    says: /type: "\.\.\/bin\/sh" .*CNI_PATH/,
  },
  ...[
    {
      what: "a host index that is no number",
      content: { hostIndex: "one" },
      says: /hostIndex: "one" is not a/,
    },
    {
      what: "two NICs of one index",
      content: {
        hostIndex: 0,
        masters: [
          { name: "eth1", interfaceIndex: 0 },
          { name: "eth2", interfaceIndex: 0 },
        ],
      },
      says: /"eth1".*"eth2".*each name and index once/,
    },
    {
      what: "a master that is not there",
      content: { hostIndex: 0, masters: [{ name: "eth9", interfaceIndex: 0 }] },
      says: /"eth9" is no link of this host/,
    },
    ...[{}, { attachPolicy: { strategy: "none" } }, { plugin: { type: "host-device" } }].map((more) => ({
      what: `no masters, ${JSON.stringify(more)}`,
      content: { hostIndex: 0, masters: [] },
      says: /masters: is empty, .* cluster file .*multi-nicd routes/,
      more,
    })),
  ].map(
    ({ what, content, says, more = {} }: FiledRow): BadInput => ({
      title: `a node file with ${what}`,
      conf: base({ name: "filed", masters: [] }, pool([4], { hostIndex: undefined }), more),
      arrange: ({ node }) => writeNodeFile(node, "filed", content),
      code: 7,
      says: new RegExp(`node file.*${says.source}`),
    }),
  ),
];

describeBadInput("of addresses, ADD refuses", rows);
