import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { cniConf } from "../../../doctor/check/cni-conf.ts";
import { cniFolder } from "../../../doctor/check/cni-folder.ts";
import { kernel } from "../../../doctor/check/kernel.ts";
import { multusCache } from "../../../doctor/check/multus-cache.ts";
import { ownExecutables } from "../../../doctor/check/own-executables.ts";
import { readinessIndicator } from "../../../doctor/check/readiness-indicator.ts";
import { stateFolder } from "../../../doctor/check/state-folder.ts";
import { swap } from "../../../doctor/check/swap.ts";
import { sysctls } from "../../../doctor/check/sysctls.ts";
import type { Check, Role } from "../../../doctor/check.ts";
import { type Entries, finds } from "../captured.ts";

const executable = { executable: "#!/bin/sh\n" };
const conf = { cniVersion: "0.4.0", name: "infra-dpu-cni", type: "infra-dpu-cni" };
const indicator = "/var/run/multus/cni/net.d/10-ovn-kubernetes.conf";
const multus = {
  cniVersion: "0.3.1",
  name: "multus-cni-network",
  type: "multus",
  readinessindicatorfile: indicator,
};

/** A DPU on OpenShift with infra-dpu-cni in the place of OVN-Kubernetes. */
function openShift(more: Entries = {}): Entries {
  return {
    "/var/run": { link: "/run" },
    "/var/lib/cni/bin/infra-dpu-cni": executable,
    "/var/lib/cni/bin/multus": executable,
    "/run/multus/cni/net.d/10-ovn-kubernetes.conf": JSON.stringify(conf),
    "/etc/kubernetes/cni/net.d/00-multus.conf": JSON.stringify({ ...multus, delegates: [conf] }),
    "/proc/sys/kernel/osrelease": "5.15.0-1021-bluefield\n",
    "/proc/swaps": "Filename\tType\tSize\tUsed\tPriority\n",
    "/proc/sys/net/ipv4/ip_forward": "1\n",
    "/proc/sys/net/bridge/bridge-nf-call-iptables": "1\n",
    ...more,
  };
}

const overlay = { ...conf, name: "ovn-kubernetes", type: "ovn-k8s-cni-overlay" };
const withOverlay = { "/var/lib/cni/bin/ovn-k8s-cni-overlay": executable };
const cache = "/var/lib/cni/multus/4f2c";
const result = "/var/lib/cni/results/net-4f2c-net1";
const runtimeCache = (conf: object, netns: string) =>
  JSON.stringify({ kind: "cniCacheV1", containerId: "4f2c", netns, config: btoa(JSON.stringify(conf)) });

const bridge = {
  cniVersion: "1.0.0",
  name: "crio",
  plugins: [{ type: "bridge", ipam: { type: "host-local" } }],
};
/** Where containernetworking-plugins of RHEL and Fedora puts its plugins. */
const rhel = Object.fromEntries(
  ["bridge", "host-local", "loopback"].map((name) => [`/usr/libexec/cni/${name}`, executable]),
);
/** As MicroShift ships it. */
const waiting = {
  "/etc/crio/crio.conf.d/11-microshift-ovn.conf": '[crio.network]\ncni_default_network = "ovn-kubernetes"\n',
};

test.each([
  kernel,
  swap,
  sysctls,
  cniFolder,
  cniConf,
  readinessIndicator,
  multusCache,
  ownExecutables,
  stateFolder,
])("$id finds nothing on a DPU with infra-dpu-cni installed", async (check) => {
  expect(await finds(check, openShift(), "dpu")).toEqual([]);
});

test.each<[sentence: string, check: Check, role: Role, more: Entries, found: string[]]>([
  [
    "a kernel of before 4.18 is an error",
    kernel,
    "node",
    { "/proc/sys/kernel/osrelease": "3.10.0-1160.el7.x86_64\n" },
    ["error the kernel is 3.10.0-1160.el7.x86_64"],
  ],
  [
    "swap is a warning",
    swap,
    "node",
    { "/proc/swaps": "Filename\tType\n/dev/sda2 partition 2097148 0 -2\n" },
    ["warning swap is on (/dev/sda2)"],
  ],
  ["no forwarding is an error", sysctls, "dpu", { "/proc/sys/net/ipv4/ip_forward": "0\n" }, ["error is 0"]],
  [
    "no IPv6 forwarding is a warning where the node has an IPv6 address",
    sysctls,
    "dpu",
    {
      "/proc/sys/net/ipv6/conf/all/forwarding": "0\n",
      "/proc/net/if_inet6": "fd000000000000000000000000000001 05 40 00 80     brp0\n",
    },
    ["warning is 0"],
  ],
  [
    "br_netfilter that is not loaded is a warning",
    sysctls,
    "dpu",
    { "/proc/sys/net/bridge/bridge-nf-call-iptables": undefined },
    ["warning does not exist: br_netfilter is not loaded"],
  ],
  [
    "a DPU without infra-dpu-cni is an error",
    cniFolder,
    "dpu",
    { "/var/lib/cni/bin/infra-dpu-cni": undefined },
    ["error infra-dpu-cni is not installed"],
  ],
  ["any other node does without it", cniFolder, "node", { "/var/lib/cni/bin/infra-dpu-cni": undefined }, []],
  [
    "a plugin that is not executable is a warning",
    cniFolder,
    "node",
    { "/opt/cni/bin/bridge": "text", "/opt/cni/bin/SHA256SUMS": "", "/opt/cni/bin/.bridge.tmp": "" },
    ["warning is not executable"],
  ],
  [
    "no configuration is an error",
    cniConf,
    "node",
    {
      "/run/multus/cni/net.d/10-ovn-kubernetes.conf": undefined,
      "/etc/kubernetes/cni/net.d/00-multus.conf": undefined,
    },
    ["error no configuration can be used"],
  ],
  [
    "a configuration that is no JSON is an error, and the next is the one that is used",
    cniConf,
    "node",
    { "/etc/kubernetes/cni/net.d/00-a.conf": "{" },
    ["error is not a JSON object", "note is the first that can be used"],
  ],
  [
    "a cniVersion of two parts is an error",
    cniConf,
    "node",
    { "/etc/cni/net.d/10-a.conf": JSON.stringify({ ...conf, cniVersion: "1.0" }) },
    ['error cniVersion is "1.0", not of three parts'],
  ],
  [
    "plugins and IPAM of a list that are not installed are an error",
    cniConf,
    "node",
    {
      "/etc/cni/net.d/10-a.conflist": JSON.stringify({
        cniVersion: "1.0.0",
        name: "a",
        plugins: [{ type: "bridge", ipam: { type: "host-local" } }, { type: "infra-dpu-cni" }],
      }),
    },
    ["error calls bridge, host-local, which are not in /var/lib/cni/bin"],
  ],
  [
    "a list in a .conf is a warning",
    cniConf,
    "node",
    {
      "/etc/cni/net.d/10-a.conf": JSON.stringify({
        cniVersion: "1.0.0",
        name: "a",
        plugins: [{ type: "multus" }],
      }),
    },
    ["warning is a list in a .conf"],
  ],
  [
    "plugins in the folder of RHEL's package are installed",
    cniConf,
    "node",
    { "/etc/cni/net.d/100-crio-bridge.conflist": JSON.stringify(bridge), ...rhel },
    [],
  ],
  [
    "and so is loopback, which CRI-O's attachments have",
    multusCache,
    "node",
    {
      ...rhel,
      [result]: runtimeCache({ ...conf, type: "loopback" }, "/run/netns/pod"),
      "/run/netns/pod": "",
    },
    [],
  ],
  [
    "folders that CRI-O is told of are CNI folders",
    cniConf,
    "node",
    {
      "/etc/crio/crio.conf.d/12.conf": '[crio.network]\nplugin_dirs = [\n  "/srv/cni",\n]\n',
      "/srv/cni/bridge": executable,
      "/etc/cni/net.d/10-a.conf": JSON.stringify({ ...conf, type: "bridge" }),
    },
    [],
  ],
  [
    "which looks nowhere else, whatever Multus' delegates are",
    cniConf,
    "node",
    {
      "/etc/crio/crio.conf": '[crio.network]\nplugin_dirs = ["/var/run/cni/bin/"]\n',
      "/run/cni/bin/bridge": executable,
      "/opt/cni/bin/host-local": executable,
      "/etc/cni/net.d/10-a.conflist": JSON.stringify(bridge),
      "/etc/cni/net.d/20-b.conf": JSON.stringify({ ...conf, type: "bridge", delegates: [conf] }),
    },
    ["error calls host-local, which CRI-O does not find: it looks in /run/cni/bin only"],
  ],
  [
    "CRI-O's own folder of configurations is looked at",
    cniConf,
    "node",
    {
      "/etc/crio/crio.conf": '[crio.network]\nnetwork_dir = "/srv/net.d/"\n',
      "/srv/net.d/10-a.conf": "{",
    },
    ["error is not a JSON object"],
  ],
  [
    "a network that CRI-O waits for, and no file names, is an error",
    cniConf,
    "node",
    { "/etc/cni/net.d/10-a.conf": JSON.stringify(conf), ...waiting },
    [
      'error cni_default_network is "ovn-kubernetes", and no configuration in /etc/cni/net.d has that name (there are: infra-dpu-cni)',
    ],
  ],
  [
    "a file of that name in a folder that CRI-O does not read is none",
    cniConf,
    "node",
    { "/run/multus/cni/net.d/10-ovn.conf": JSON.stringify({ ...conf, name: "ovn-kubernetes" }), ...waiting },
    [
      'error cni_default_network is "ovn-kubernetes", and no configuration in /etc/cni/net.d has that name (there are: none)',
    ],
  ],
  [
    "one that a file names is nothing, though it is not the first",
    cniConf,
    "node",
    {
      "/etc/cni/net.d/05.conf": "{",
      "/etc/cni/net.d/10-a.conf": JSON.stringify(conf),
      "/etc/cni/net.d/20-ovn.conf": JSON.stringify({ ...conf, name: "ovn-kubernetes" }),
      ...waiting,
    },
    ["error is not a JSON object"],
  ],
  [
    "an indicator that is not there is an error",
    readinessIndicator,
    "dpu",
    { "/run/multus/cni/net.d/10-ovn-kubernetes.conf": undefined },
    ["error is not there, and /etc/kubernetes/cni/net.d/00-multus.conf waits for it"],
  ],
  [
    "on a DPU, an indicator of OVN-Kubernetes is a warning",
    readinessIndicator,
    "dpu",
    { "/run/multus/cni/net.d/10-ovn-kubernetes.conf": JSON.stringify(overlay) },
    ["warning its plugin is ovn-k8s-cni-overlay, not infra-dpu-cni"],
  ],
  [
    "elsewhere it is as it should be",
    readinessIndicator,
    "node",
    { "/run/multus/cni/net.d/10-ovn-kubernetes.conf": JSON.stringify(overlay) },
    [],
  ],
  [
    "a Multus that was not restarted is a warning",
    readinessIndicator,
    "dpu",
    { "/etc/kubernetes/cni/net.d/00-multus.conf": JSON.stringify({ ...multus, delegates: [overlay] }) },
    ["warning still delegates to ovn-k8s-cni-overlay, though /var/run/multus/cni/net.d names infra-dpu-cni"],
  ],
  [
    "a thick Multus' clusterNetwork is found on the host, without /host",
    readinessIndicator,
    "node",
    {
      "/etc/kubernetes/cni/net.d/00-multus.conf": JSON.stringify({
        ...multus,
        readinessindicatorfile: undefined,
        clusterNetwork: "/host/run/multus/cni/net.d/10-ovn-kubernetes.conf",
      }),
    },
    [],
  ],
  [
    "a pod attached by a plugin that is not installed is an error",
    multusCache,
    "node",
    { [cache]: JSON.stringify([{ Conf: overlay, masterPlugin: true }]) },
    ["error container 4f2c was attached by ovn-k8s-cni-overlay, which is not installed"],
  ],
  [
    "on a DPU, a pod attached by OVN-Kubernetes is a warning",
    multusCache,
    "dpu",
    { ...withOverlay, [cache]: JSON.stringify([{ Conf: overlay, masterPlugin: true }]) },
    ["warning container 4f2c was attached by ovn-k8s-cni-overlay"],
  ],
  [
    "a record of the runtime's whose namespace is gone is a warning",
    multusCache,
    "node",
    { [result]: runtimeCache(conf, "/run/netns/gone") },
    ["warning container 4f2c has no network namespace /run/netns/gone any more"],
  ],
  [
    "a record of the runtime's whose namespace is there is nothing",
    multusCache,
    "node",
    { [result]: runtimeCache(conf, "/run/netns/pod"), "/run/netns/pod": "" },
    [],
  ],
  [
    "an empty record of the runtime's is an error",
    multusCache,
    "node",
    { [result]: "" },
    ["error the runtime ended, or its disk was full, while it wrote this: it is no JSON object"],
  ],
  [
    "a record of the runtime's that is read in part only is nothing",
    multusCache,
    "node",
    { [result]: `{"result": "${"x".repeat(1 << 20)}"}` },
    [],
  ],
  [
    "half a record of the runtime's is an error",
    multusCache,
    "node",
    { [result]: runtimeCache(conf, "/run/netns/pod").slice(0, -9), "/run/netns/pod": "" },
    ["error the runtime ended, or its disk was full, while it wrote this: it is no JSON object"],
  ],
  [
    "executables of two releases are a warning",
    ownExecutables,
    "node",
    { "/var/lib/cni/bin/multi-nic-doctor": { executable: "another" } },
    ["warning is another file than /var/lib/cni/bin/infra-dpu-cni"],
  ],
  [
    "clients are another file than what they run, and one file",
    ownExecutables,
    "node",
    {
      "/var/lib/cni/bin/multi-nic": { executable: "client" },
      "/var/lib/cni/bin/multi-nic-ipam": { executable: "client" },
    },
    [],
  ],
  [
    "a node file that is no JSON is an error",
    stateFolder,
    "node",
    nodeFile("{"),
    ["error is not a JSON object"],
  ],
  [
    "a host index below 0 is an error",
    stateFolder,
    "node",
    nodeFile('{"hostIndex": -1}'),
    ["error hostIndex is -1"],
  ],
  [
    "a master that is no link is an error",
    stateFolder,
    "node",
    nodeFile('{"hostIndex": 0, "masters": [{"name": "eth9", "interfaceIndex": 0}]}'),
    ['error names master "eth9", which is no link of this node'],
  ],
  [
    "a state folder that others may use is a warning",
    stateFolder,
    "node",
    { "/run/multi-nic-cni/": "755" },
    ["warning others may use it (mode 755)"],
  ],
])("%s", async (_, check, role, more, found) => {
  expect(await finds(check, openShift(more), role)).toEqual(found);
});

function nodeFile(text: string): Entries {
  return { "/run/multi-nic-cni": { link: "/state" }, "/state/": "700", "/state/networks/net.json": text };
}

test.each([
  ["the sum of the release is nothing", createHash("sha256").update(executable.executable).digest("hex"), 0],
  ["another sum is an error", "0".repeat(64), 1],
])("with --sums, %s", async (_, sum, count) => {
  const sums = new Map([["infra-dpu-cni", sum]]);
  expect(await finds(ownExecutables, openShift(), "dpu", { sums })).toHaveLength(count);
});

test("--cni-bin and --cni-conf take the place of the usual folders", async () => {
  const elsewhere = {
    "/k3s/bin/bridge": executable,
    "/k3s/net.d/10.conf": JSON.stringify({ ...conf, type: "bridge" }),
  };
  expect(await finds(cniConf, elsewhere, "node", { cniBin: "/k3s/bin", cniConf: "/k3s/net.d" })).toEqual([]);
  expect(await finds(cniFolder, elsewhere, "node", { cniBin: "/none" })).toEqual([
    "error there is no CNI folder",
  ]);
});
