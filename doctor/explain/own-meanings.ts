import type { Meaning } from "./meaning.ts";

const infra = /^infra-dpu-cni$/;
const ours = /^multi-nic(-ipam)?$/;
const hostNetwork =
  "set spec.hostNetwork: true (and dnsPolicy: ClusterFirstWithHostNet where it uses services), or keep the pod off DPU nodes by a nodeSelector or affinity";

/** What the plugins of this project say. A test holds this table against what they really say. */
export const ownMeanings: readonly Meaning[] = [
  {
    id: "no-pod-network",
    plugin: infra,
    pattern: /no pod network on this node|Not Supported; Only host backed pods/,
    why: "the pod was scheduled on a DPU of the infra cluster, which has no pod network, and asks for one",
    mender: "pod",
    change: hostNetwork,
  },
  {
    id: "infra-dpu-cni",
    plugin: infra,
    pattern: /[\s\S]/,
    why: "infra-dpu-cni refuses every pod that asks for a network; the text is set in its configuration",
    mender: "pod",
    change: hostNetwork,
  },
  {
    id: "too-many-nics",
    plugin: ours,
    pattern: /args\.cni\.nics: (\d+) are asked for and (\d+) can be had/,
    why: "the pod asks for $1 NICs of the network, and $2 of this node's can be had",
    mender: "pod",
    change:
      'ask for at most $2: "cni-args": {"nics": $2} in the annotation k8s.v1.cni.cncf.io/networks, or leave it out for all',
  },
  {
    id: "master-of-pod",
    plugin: ours,
    pattern: /(args\.cni\.masters?): "([^"]*)"/,
    why: 'the pod names the NIC "$2", which its network does not offer on this node',
    mender: "pod",
    change:
      'name another in "cni-args" of the annotation k8s.v1.cni.cncf.io/networks, or leave it out for all of the network\'s',
  },
  {
    id: "name-too-long",
    plugin: ours,
    pattern: /CNI_IFNAME: "([^"]*)" makes "([^"]*)", longer than/,
    why: 'the pod asks for the interface name "$1", and with several NICs the kernel does not take "$2"',
    mender: "pod",
    change: "write a shorter name behind @ in the annotation k8s.v1.cni.cncf.io/networks",
  },
  {
    id: "interface-exists",
    plugin: ours,
    pattern:
      /the pod already has (.+?), and|the pod already has (.+?); DEL|has interface "[^"]*" on network "[^"]*" already/,
    why: "two of the pod's networks want interfaces of one name, or a sandbox was made anew before its DEL",
    mender: "pod",
    change:
      "give each network a name of its own (network@ifname) in the annotation k8s.v1.cni.cncf.io/networks; else delete the pod",
  },
  {
    id: "address-taken",
    plugin: ours,
    pattern: /requested address "([^"]*)" of network "([^"]*)" is held by/,
    why: "the pod asks for $1, which another pod of network $2 has",
    mender: "pod",
    change:
      'ask for another in "ips" of the annotation k8s.v1.cni.cncf.io/networks, or delete that other pod',
  },
  {
    id: "address-outside",
    plugin: ours,
    pattern:
      /requested address "([^"]*)" is (outside|reserved|in ipam)|"([^"]*)" is outside this host's blocks/,
    why: "the pod asks for an address that this node does not hand out: each node has its own block",
    mender: "pod",
    change:
      'leave "ips" out of the annotation k8s.v1.cni.cncf.io/networks, or name an address of this node\'s block and tie the pod to the node',
  },
  {
    id: "pool-exhausted",
    plugin: ours,
    pattern: /no free address in ([^;(]+)/,
    why: "every address of this node's block $1 is leased",
    mender: "network",
    change:
      "delete pods of this node that hold them, or give the network a larger subnet, a smaller hostBlock or fewer excludeCIDRs",
  },
  {
    id: "host-index",
    plugin: ours,
    pattern: /ipam\.hostIndex: missing/,
    why: "nobody has said which host this is, and a guess would hand out another host's addresses",
    mender: "node",
    change:
      'write {"hostIndex": N} to /run/multi-nic-cni/networks/<network>.json on the node, with another N on each host',
  },
  {
    id: "no-master",
    plugin: ours,
    pattern: /^(?:.*: )?(masters|masterNets): /,
    why: "the NICs that the network names are not to be had on this node: missing, down, or without an address",
    mender: "network",
    change:
      "set the NIC up on the node (multi-nic-doctor says what is there), or mend masters or masterNets of the network",
  },
  {
    id: "state-database",
    plugin: ours,
    pattern: /state database "([^"]*)"/,
    why: "the node's record of attachments, $1, cannot be used",
    mender: "node",
    change:
      "multi-nic-doctor on the node, and its README on how to start the state over; kubelet tries the pod again by itself",
  },
  {
    id: "own",
    plugin: ours,
    // Ours name key, value and remedy, with a semicolon before the remedy.
    pattern: /^([^;]+); (.+)$/,
    why: "$1",
    mender: "network",
    change: "$2",
  },
];
