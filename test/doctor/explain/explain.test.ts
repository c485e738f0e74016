import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { explain } from "../../../doctor/explain/explain.ts";
import { goMeanings } from "../../../doctor/explain/go-meanings.ts";
import { ownMeanings } from "../../../doctor/explain/own-meanings.ts";
import { serveExplain } from "../../../doctor/explain/serve.ts";
import type { CniError } from "../../../lib/cni/error.ts";
import type { Invocation } from "../../../lib/cni/invocation.ts";
import { noLog } from "../../../lib/cni/log.ts";
import { refusalFor } from "../../../plugins/infra-dpu-cni/conf.ts";

const id = "1f0e6b2f43a9";
/** The ways in which runtimes and Multus hand a plugin's words on to a pod's event. */
const wrappings = {
  "CRI-O and a thin Multus": (plugin: string, said: string) =>
    `Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create pod network sandbox k8s_web_shop_7f_0(${id}): ` +
    `error adding pod shop_web to CNI network "multus-cni-network": plugin type="multus" name="multus-cni-network" failed (add): ` +
    `[shop/web/7f:net]: error adding container to network "net": plugin type="${plugin}" failed (add): ${said}`,
  "containerd and a thick Multus": (plugin: string, said: string) =>
    `Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "${id}": ` +
    `plugin type="multus-shim" name="multus-cni-network" failed (add): CmdAdd (shim): CNI request failed with status 400: ` +
    `'ContainerID:"${id}" Netns:"/run/netns/x" IfName:"eth0" Args:"IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_UID=7f" Path:"" ` +
    `ERRORED: error configuring pod [shop/web] networking: [shop/web/7f:net]: error adding container to network "net": ` +
    `plugin type="${plugin}" failed (add): ${said}\n': StdinData: {"cniVersion":"0.3.1","type":"multus-shim"}`,
  "containerd alone": (plugin: string, said: string) =>
    `Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "${id}": ` +
    `plugin type="${plugin}" name="net" failed (add): ${said}`,
  "a JSON log": (plugin: string, said: string) =>
    `failed to setup network for sandbox \\"${id}\\": plugin type=\\"${plugin}\\" name=\\"net\\" failed (add): ${said}`,
};

function refusalOf(conf: Invocation["conf"], network: string): string {
  const args = new Map([
    ["K8S_POD_NAMESPACE", "shop"],
    ["K8S_POD_NAME", "web"],
  ]);
  const { message, details }: CniError = refusalFor({
    conf,
    args,
    network,
    log: noLog,
  } as unknown as Invocation);
  return `${message}; ${details}`;
}

test.each(Object.entries(wrappings))("what infra-dpu-cni itself says is found in %s", (_, wrap) => {
  const said = refusalOf({}, "net");
  const explained = explain(wrap("infra-dpu-cni", said));
  expect(explained).toMatchObject({
    id: "no-pod-network",
    plugin: "infra-dpu-cni",
    network: "net",
    said,
    mender: "pod",
  });
  expect(explained.change).toContain("hostNetwork: true");
});

test("a text of one's own in infra-dpu-cni's configuration is explained as well", () => {
  const text = wrappings["CRI-O and a thin Multus"](
    "infra-dpu-cni",
    refusalOf({ error: { msg: "no", details: "no" } }, "net"),
  );
  expect(explain(text)).toMatchObject({ id: "infra-dpu-cni", mender: "pod" });
});

test.each(["CRI-O and a thin Multus", "containerd and a thick Multus"] as const)(
  "the pod is found in %s",
  (name) => {
    expect(explain(wrappings[name]("any", "x")).pod).toBe("shop/web");
  },
);

/** [plugin, what it says, the row's id]; ours are as lib and plugins word them. */
const messages: readonly [plugin: string, said: string, id: string][] = [
  ["infra-dpu-cni", "Not Supported; Only host backed pods supported in Infra Cluster.", "no-pod-network"],
  [
    "multi-nic",
    "args.cni.nics: 4 are asked for and 2 can be had (eth1, eth2); ask for at most 2",
    "too-many-nics",
  ],
  [
    "multi-nic",
    'args.cni.masters: "eth9" is not one of the network\'s NICs; name some of: eth1, eth2',
    "master-of-pod",
  ],
  [
    "multi-nic",
    'CNI_IFNAME: "averylongname1" makes "averylongname1-0", longer than the 15 characters the kernel takes',
    "name-too-long",
  ],
  [
    "multi-nic",
    "CNI_IFNAME: the pod already has net1-0; DEL that attachment first, or ask for another name",
    "interface-exists",
  ],
  [
    "multi-nic",
    'container "a" has interface "net1" on network "n" already (made by multi-nic); DEL it first',
    "interface-exists",
  ],
  [
    "multi-nic-ipam",
    'requested address "10.0.0.5" of network "n" is held by container "b", interface "net1"; request another, or delete that pod',
    "address-taken",
  ],
  [
    "multi-nic",
    'requested address "10.9.0.5" is outside 10.0.0.0/24, the block of interface 0; request one from 10.0.0.1 to 10.0.0.254',
    "address-outside",
  ],
  [
    "multi-nic",
    'no free address in 10.0.0.0/24 (network "n", interface 0): all 254 are leased; delete pods',
    "pool-exhausted",
  ],
  [
    "multi-nic",
    "ipam.hostIndex: missing, with ipam.hostBlock: 6; set it in this node's configuration",
    "host-index",
  ],
  ["multi-nic", 'masters: "eth9" is not a link of this host; name one of: eth1', "no-master"],
  ["multi-nic", 'state database "/run/multi-nic-cni/state.db" is damaged; move it away', "state-database"],
  [
    "multi-nic",
    'CNI_NETNS: "/run/netns/x" does not exist: the pod\'s sandbox is gone; the runtime has to make a new one',
    "sandbox-gone",
  ],
  ["multi-nic", 'plugin.mtu: "9000" is more than the 1500 of eth1; write at most 1500', "own"],
  ["multus", 'failed to find plugin "sriov" in path [/opt/cni/bin]', "plugin-missing"],
  [
    "multus",
    "Multus: [a/b/c]: error loading k8s delegates: cannot find a network-attachment-definition (net) in namespace (shop)",
    "multus-nad-missing",
  ],
  [
    "multus",
    "namespace isolation enabled, annotation violates permissions, pod is in namespace shop but refers to target namespace x",
    "multus-namespace-isolation",
  ],
  [
    "multus",
    "have you checked that your default network is ready? still waiting for readinessindicatorfile @ /run/x.conf",
    "multus-readiness-indicator",
  ],
  [
    "multus",
    'Multus: [shop/web/7f]: error getting pod: Get "https://[10.96.0.1]:443/api": dial tcp 10.96.0.1:443: i/o timeout',
    "multus-api",
  ],
  [
    "multus",
    "GetCNIConfig: err in GetCNIConfigFromFile: No networks found in /host/etc/cni/net.d",
    "multus-no-network",
  ],
  [
    "multus-shim",
    "CmdAdd (shim): dial unix /run/multus/multus.sock: connect: connection refused",
    "multus-socket",
  ],
  [
    "ovn-k8s-cni-overlay",
    'failed to send CNI request: Post "http://dummy/": dial unix /var/run/ovn-kubernetes/cni//ovn-cni-server.sock: connect: no such file or directory',
    "ovn-server",
  ],
  [
    "ovn-k8s-cni-overlay",
    "failed to configure pod interface: timed out waiting for OVS port binding (ovn-installed) for 0a:58",
    "ovn-port-binding",
  ],
  [
    "ovn-k8s-cni-overlay",
    "failed to get pod annotation: timed out waiting for annotations",
    "ovn-annotation",
  ],
  ["sriov", "SRIOV-CNI failed to load netconf: LoadConf(): VF pci addr is required", "sriov-no-device"],
  ["macvlan", "no IP addresses available in range set: 10.1.0.1-10.1.0.254", "host-local-exhausted"],
  [
    "bridge",
    "requested IP address 10.1.0.5 is not available in range set 10.1.0.1-10.1.0.254",
    "host-local-taken",
  ],
  [
    "macvlan",
    "error at storage engine: Could not allocate IP in range: ip: 10.2.0.1 / - 10.2.0.254",
    "whereabouts-exhausted",
  ],
  [
    "macvlan",
    "error dialing DHCP daemon: dial unix /run/cni/dhcp.sock: connect: no such file or directory",
    "dhcp-daemon",
  ],
  ["macvlan", "error calling DHCP.Allocate: no more tries", "dhcp-no-answer"],
  ["macvlan", 'failed to lookup master "eth9": Link not found', "master-missing"],
  ["macvlan", "failed to create macvlan: device or resource busy", "master-busy"],
  [
    "bridge",
    'failed to set bridge addr: "cni0" already has an IP address different from 10.244.1.1/24',
    "bridge-address",
  ],
  [
    "bridge",
    "failed to create bridge: container veth name provided (eth0) already exists",
    "interface-exists",
  ],
  [
    "flannel",
    "loadFlannelSubnetEnv failed: open /run/flannel/subnet.env: no such file or directory",
    "flannel",
  ],
  [
    "calico",
    "stat /var/lib/calico/nodename: no such file or directory: check that the calico/node container is running",
    "calico",
  ],
  [
    "bridge",
    'failed to open netns "/run/netns/x": failed to Statfs "/run/netns/x": no such file or directory',
    "sandbox-gone",
  ],
];

test.each(messages)("%s: %s", (plugin, said, row) => {
  for (const wrap of Object.values(wrappings)) {
    const explained = explain(wrap(plugin, said));
    expect(explained).toMatchObject({ id: row, plugin });
    // A group that the pattern lacks, or that took no part, would leave this.
    expect(explained.why + explained.change).not.toMatch(/\$\d/);
  }
});

test.each([
  ["0/3 nodes are available: 3 Insufficient mellanox.com/mlnx_sriov_cx6.", "no-such-device-left"],
  [
    "network is not ready: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:cni plugin not initialized",
    "not-ready",
  ],
])("%s is explained though no plugin refused", (text, row) => {
  expect(explain(text)).toMatchObject({ id: row, plugin: undefined });
});

test("a pod that does not end is explained, by the network that its runtime cannot delete", () => {
  const text =
    'error killing pod: failed to "KillPodSandbox" for "7f" with KillPodSandboxError: "rpc error: code = Unknown desc = ' +
    `failed to destroy network for sandbox \\"${id}\\": failed to get network \\"net\\" cached result: ` +
    'decoding version from network config: unexpected end of JSON input"';
  const explained = explain(text);
  expect(explained).toMatchObject({ id: "runtime-cache", mender: "node" });
  expect(explained.why).toContain("network net ");
});

test("a plugin's refusal of a DEL is found as that of an ADD", () => {
  const said =
    'failed to open netns "/run/netns/x": failed to Statfs "/run/netns/x": no such file or directory';
  const text = `error killing pod: plugin type="bridge" name="net" failed (delete): ${said}`;
  expect(explain(text)).toMatchObject({ id: "sandbox-gone", plugin: "bridge", network: "net", said });
});

test("every row of the tables is met by a message above", () => {
  const met = new Set([
    ...messages.map(([, , row]) => row),
    "infra-dpu-cni",
    "no-such-device-left",
    "not-ready",
    "runtime-cache",
  ]);
  expect([...ownMeanings, ...goMeanings].map((meaning) => meaning.id).filter((row) => !met.has(row))).toEqual(
    [],
  );
});

const sources = ["../../../lib", "../../../plugins"].flatMap((folder) =>
  globSync(join(import.meta.dirname, folder, "**/*.ts")).map((file) => readFileSync(file, "utf8")),
);

test.each([
  "are asked for and ",
  "args.cni.masters",
  "longer than the ",
  "CNI_IFNAME: the pod already has ",
  "is held by container ",
  "is outside ",
  "no free address in ",
  "ipam.hostIndex: missing",
  "masterNets: ",
  'state database "',
  "the pod's sandbox is gone",
])("the plugins still say %j", (words) => {
  expect(sources.some((source) => source.includes(words))).toBe(true);
});

test("an old Multus names the network and no plugin, and DEL's failure behind it is not the cause", () => {
  const text =
    'failed to set up sandbox container "e1a7" network for pod "samplepod": networkPlugin cni failed to set up pod "samplepod_kube-system" network: ' +
    '[kube-system/samplepod:macvlan-conf]: error adding container to network "macvlan-conf": Link not found, failed to clean up sandbox container ' +
    '"e1a7" network for pod "samplepod": delegateDel: error invoking DelegateDel - "macvlan"';
  expect(explain(text)).toMatchObject({
    id: "master-missing",
    network: "macvlan-conf",
    pod: "kube-system/samplepod",
    said: "Link not found",
  });
});

test("a message that is not known is said to be so, with whose log to read", () => {
  expect(explain(wrappings["containerd alone"]("exotic", "E42"))).toMatchObject({
    id: undefined,
    change: expect.stringContaining("log of exotic"),
  });
});

const asked = { verb: "explain", json: false, root: "/", subject: "shop/web", namespace: undefined } as const;
const event = (reason: string, lastTimestamp: string, message: string) => ({
  reason,
  lastTimestamp,
  message,
});

const missing = (program: string) => ({ failure: `${program} is not installed`, missing: true });
const query =
  "get events --request-timeout=4s -n shop --field-selector involvedObject.kind=Pod,involvedObject.name=web -o json";

test.each([
  ["kubectl", ["kubectl"]],
  ["oc, where there is no kubectl", ["kubectl", "oc"]],
])("a pod's latest event is asked of %s, in the pod's namespace", async (_, programs) => {
  const calls: string[] = [];
  const items = [
    event(
      "FailedCreatePodSandBox",
      "2026-01-01T10:00:05Z",
      wrappings["containerd alone"]("infra-dpu-cni", "no pod network on this node"),
    ),
    event("FailedCreatePodSandBox", "2026-01-01T10:00:01Z", "old"),
    event("Pulled", "2026-01-01T10:00:09Z", "other"),
  ];
  const run = async (program: string, args: readonly string[]) => {
    calls.push([program, ...args].join(" "));
    return program === programs.at(-1) ? { stdout: JSON.stringify({ items }) } : missing(program);
  };
  const { stdout, exitCode } = await serveExplain(asked, "1", run);
  expect(exitCode).toBe(0);
  expect(stdout).toContain("to mend it  in the pod: set spec.hostNetwork: true");
  expect(calls).toEqual(programs.map((program) => `${program} ${query}`));
});

test.each([
  ["no event", async () => ({ stdout: '{"items": []}' }), /has no event of FailedCreatePodSandBox/],
  [
    "neither kubectl nor oc",
    async (program: string) => missing(program),
    /neither kubectl nor oc is installed/,
  ],
  [
    "a kubectl that the cluster refuses, which oc does not mend",
    async (program: string) =>
      program === "kubectl"
        ? { failure: "kubectl: Unauthorized", missing: false }
        : { stdout: '{"items": []}' },
    /kubectl: Unauthorized/,
  ],
])("%s is exit code 2, and says so", async (_, run, said) => {
  expect(await serveExplain(asked, "1", run)).toEqual({
    stdout: "",
    stderr: expect.stringMatching(said),
    exitCode: 2,
  });
});
