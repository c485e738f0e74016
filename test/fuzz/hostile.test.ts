import { describe, expect, test } from "vitest";
import { execute } from "../../lib/cni/execute.ts";
import { emptyResult } from "../../lib/cni/result.ts";
import { parseMultiNicConf } from "../../plugins/multi-nic/conf.ts";
import { plugin as multiNicIpam } from "../../plugins/multi-nic-ipam/main.ts";

const multiNic = {
  name: "multi-nic",
  about: "",
  verbs: async () => {
    const verb = async (invocation: Parameters<typeof parseMultiNicConf>[0]) =>
      void parseMultiNicConf(invocation);
    return {
      add: async (call: Parameters<typeof verb>[0]) => verb(call).then(() => emptyResult),
      del: verb,
      check: verb,
      status: verb,
      gc: verb,
    };
  },
};

const env = {
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/nonexistent",
  CNI_IFNAME: "net1",
  CNI_PATH: "/nonexistent",
  MULTI_NIC_CNI_STATE_DIR: "/nonexistent",
  MULTI_NIC_CNI_LOG_FILE: "off",
};

async function answer(plugin: Parameters<typeof execute>[0], stdin: string) {
  const { stdout } = await execute(plugin, { env, readStdin: () => stdin, ownNetns: () => false });
  // A message may quote what it is of, and goes into events and logs.
  expect(stdout.length).toBeLessThan(10_000);
  return JSON.parse(stdout);
}

const conf = (more: object): string =>
  JSON.stringify({
    cniVersion: "1.1.0",
    name: "n1",
    type: "multi-nic",
    plugin: { type: "macvlan" },
    ...more,
  });
const ipam = (more: object): string =>
  conf({ ipam: { type: "multi-nic-ipam", subnet: "10.0.0.0/8", ...more } });
const nested = (depth: number): string => `${"[".repeat(depth)}${"]".repeat(depth)}`;
const long = "x".repeat(3_900_000);
const manyRoutes = Array.from({ length: 200_000 }, () => ({ dst: "::/0" }));

const rows: [
  title: string,
  plugin: Parameters<typeof execute>[0],
  stdin: string,
  code: number,
  message: RegExp,
][] = [
  [
    "a network name that leads out of a folder",
    multiNic,
    conf({ name: "../../etc/cron.d/x" }),
    7,
    /invalid characters found in network name/,
  ],
  ["a network name that is a folder", multiNic, conf({ name: ".." }), 7, /invalid characters/],
  ["a network name with a NUL", multiNicIpam, conf({ name: "a\u0000b" }), 7, /invalid characters/],
  [
    "more routes than a pod can want",
    multiNicIpam,
    ipam({ routes: manyRoutes }),
    7,
    /^ipam\.routes: .* at most 1024 entries/,
  ],
  [
    "more excludes than a pool can want",
    multiNicIpam,
    ipam({ excludeCIDRs: Array(5000).fill("10.0.0.0/32") }),
    7,
    /^ipam\.excludeCIDRs: .* at most 1024 entries/,
  ],
  [
    "more masters than a host can have",
    multiNic,
    conf({ masters: Array(5000).fill("eth1") }),
    7,
    /^masters: .* at most 1024 entries/,
  ],
  [
    "deep nesting where a list is wanted",
    multiNic,
    `{"name":"n1","plugin":{"type":"macvlan"},"masters":${nested(100_000)}}`,
    6,
    /nested more than 100 deep/,
  ],
  [
    "deep nesting where nothing is wanted",
    multiNic,
    `{"cniVersion":"1.1.0","name":"n1","plugin":{"type":"none"},"x":${nested(100_000)}}`,
    6,
    /nested more than 100 deep/,
  ],
  [
    "__proto__ in place of plugin",
    multiNic,
    '{"name":"n1","__proto__":{"plugin":{"type":"macvlan"}}}',
    7,
    /^plugin: is missing/,
  ],
  [
    "__proto__ below plugin",
    multiNic,
    '{"name":"n1","plugin":{"__proto__":{"type":"macvlan"}}}',
    7,
    /^plugin\.type: missing/,
  ],
  [
    "constructor as a key",
    multiNicIpam,
    '{"name":"n1","ipam":{"constructor":{"prototype":{"x":1}}}}',
    7,
    /^subnet: none is given/,
  ],
  [
    "the whole of IPv6, and no room for a host index",
    multiNicIpam,
    ipam({ subnet: "::/0", hostBlock: 129, hostIndex: 0 }),
    7,
    /do not fit/,
  ],
  [
    "a number that is no number",
    multiNicIpam,
    '{"name":"n1","ipam":{"subnet":"10.0.0.0/8","hostBlock":1e400}}',
    7,
    /ipam\.hostBlock/,
  ],
  ...Object.entries({
    cniVersion: { cniVersion: long },
    "plugin.type": { plugin: { type: long } },
    masterNets: { masterNets: [long] },
    "plugin.mac": { plugin: { type: "macvlan", mac: long } },
    "plugin.mode": { plugin: { type: "macvlan", mode: long } },
    "plugin.hwaddr": { plugin: { type: "host-device", hwaddr: long } },
    deviceID: { plugin: { type: "host-device" }, deviceID: long },
    "attachPolicy.target": { attachPolicy: { strategy: "costOpt", target: long } },
    "ipam.addresses.address": { ipam: { type: "static", addresses: [{ address: long }] } },
    prevResult: { prevResult: { cniVersion: long } },
  }).map(([key, value]): (typeof rows)[number] => [
    `megabytes for ${key}`,
    multiNic,
    conf(value),
    key === "plugin.type" ? 2 : /cniVersion|prevResult/.test(key) ? 1 : 7,
    /cniVersion|prevResult/.test(key) ? /^incompatible CNI versions/ : new RegExp(`^${key}: .*x`),
  ]),
  ["megabytes for name", multiNic, conf({ name: long }), 7, /^name: has 3900000 .* 250 at most$/],
  ["a name one longer than a file's", multiNicIpam, conf({ name: "n".repeat(251) }), 7, /^name: has 251 /],
  ["megabytes of DNS", multiNic, conf({ dns: { domain: long } }), 7, /^dns: has 39\d{5} .* 65536 at most$/],
  [
    "megabytes of DNS in keys that nobody reads",
    multiNicIpam,
    ipam({ dns: { [long]: 1 } }),
    7,
    /^ipam\.dns: has 39\d{5} characters/,
  ],
  ...["subnet", "gateway", "excludeCIDRs"].map((key): (typeof rows)[number] => [
    `megabytes for ipam.${key}`,
    multiNicIpam,
    ipam({ [key]: [long] }),
    7,
    new RegExp(`^ipam\\.${key}: .*write an? \\w+ as in `),
  ]),
];

describe("hostile configurations", () => {
  test.each(rows)("%s", async (_title, plugin, stdin, code, message) => {
    expect(await answer(plugin, stdin)).toMatchObject({ code, msg: expect.stringMatching(message) });
    expect(({} as Record<string, unknown>).plugin).toBeUndefined();
  });
});
