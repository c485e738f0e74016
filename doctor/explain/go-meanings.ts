import type { Meaning } from "./meaning.ts";

/** What Multus, the runtimes and well-known Go plugins say, innermost causes first. */
export const goMeanings: readonly Meaning[] = [
  {
    id: "runtime-cache",
    pattern: /failed to get network "([^"]+)" cached result: decoding version/,
    why: "the runtime ended, or its disk was full, while it wrote down what network $1 had given the pod; since then each DEL fails before a plugin is called, and the pod stays Terminating",
    mender: "node",
    change:
      "multi-nic-doctor on the node names the broken file in /var/lib/cni/results: remove it, and the next DEL succeeds",
  },
  {
    id: "plugin-missing",
    pattern: /failed to find plugin "([^"]+)" in path \[([^\]]*)\]/,
    why: "the network is of type $1, and no such file is in $2 on this node",
    mender: "node",
    change: "install $1 there, or keep the pod off this node until it is",
  },
  {
    id: "multus-nad-missing",
    pattern: /cannot find a network-attachment-definition \(([^)]+)\) in namespace \(([^)]+)\)/,
    why: "the pod names the network $1, and namespace $2 has none of that name",
    mender: "pod",
    change:
      "write namespace/name in the annotation k8s.v1.cni.cncf.io/networks, or create the NetworkAttachmentDefinition",
  },
  {
    id: "multus-namespace-isolation",
    pattern: /namespace isolation (?:enabled|is enabled)|violates permissions/i,
    why: "Multus lets a pod use only the networks of its own namespace and of the global ones",
    mender: "pod",
    change: "use a network of the pod's own namespace, or of one that Multus' globalNamespaces lists",
  },
  {
    id: "multus-readiness-indicator",
    pattern: /readinessindicatorfile|ReadinessIndicatorFile/,
    why: "Multus waits for the file that its default network's plugin writes when it is ready, and it is not there",
    mender: "node",
    change:
      "start that plugin's pod on the node; on a DPU of an infra cluster, install infra-dpu-cni (scripts/install.sh)",
  },
  {
    id: "multus-socket",
    pattern: /dial unix \S*multus\S*: connect/,
    why: "the node's Multus daemon does not run: the shim has nobody to ask",
    mender: "node",
    change: "kubectl -n openshift-multus (or kube-system) get pods -o wide, and mend the node's Multus pod",
  },
  {
    id: "multus-api",
    pattern:
      /(?:Multus|getting pod|GetPod).*(?:i\/o timeout|connection refused|no route to host|Unauthorized|x509)/i,
    why: "Multus could not ask the API server for the pod",
    mender: "node",
    change:
      "check the node's way to the API server, and the age of multus.kubeconfig's token: restart the node's Multus pod",
  },
  {
    id: "multus-no-network",
    pattern: /No networks found in (\S+?)\.*(?:$|[ '"])/i,
    why: "there is no network configuration in $1",
    mender: "node",
    change: "start the network provider that writes it; multi-nic-doctor on the node lists what is there",
  },
  {
    id: "ovn-server",
    pattern: /dial unix \S*ovn-cni-server\.sock: connect/,
    why: "OVN-Kubernetes' node agent does not serve pods here; in dpu mode it never does",
    mender: "pod",
    change:
      "on a DPU: set spec.hostNetwork: true, or keep it off the node, and have infra-dpu-cni installed in its place; elsewhere mend the node's ovnkube-node pod",
  },
  {
    id: "ovn-port-binding",
    pattern: /timed out waiting for OVS port binding/,
    why: "OVN did not connect the pod's port in time; with a DPU: the DPU's ovnkube-node did not plug the representor",
    mender: "node",
    change: "multi-nic-doctor dpu on the DPU, and look into its ovnkube-node and ovn-controller",
  },
  {
    id: "ovn-annotation",
    pattern: /timed out waiting for (?:pod )?annotations?|failed to get pod annotation/,
    why: "ovnkube-master has not given the pod an address",
    mender: "node",
    change:
      "look into ovnkube-master (or ovnkube-control-plane): kubectl -n openshift-ovn-kubernetes (or ovn-kubernetes) logs",
  },
  {
    id: "sriov-no-device",
    plugin: /^(sriov|ovn-k8s-cni-overlay|ib-sriov)$/,
    pattern:
      /VF pci addr is required|unable to get (?:VF|device) ?(?:information|ID)|deviceID.*(?:empty|required|not found)/i,
    why: "the plugin was given no device: the pod requests none, or the network's resourceName is not the pool's",
    mender: "pod",
    change:
      "request the resource in limits and requests of one container; multi-nic-doctor manifests checks that the names agree",
  },
  {
    id: "no-such-device-left",
    pattern: /Insufficient ([a-z0-9.-]+\/[A-Za-z0-9_.-]+)/,
    why: "no node has a free $1 (this is the scheduler's word, not a plugin's)",
    mender: "node",
    change:
      "check the name the pod requests, and on the hosts: multi-nic-doctor host; kubectl describe node shows Allocatable",
  },
  {
    id: "host-local-exhausted",
    pattern: /no IP addresses available in range set: (\S+)/,
    why: "host-local has no free address in $1 on this node",
    mender: "network",
    change:
      "a larger range; or delete files of pods that are gone in /var/lib/cni/networks/<network> on the node",
  },
  {
    id: "host-local-taken",
    pattern:
      /requested IP address (\S+) is not available in range set|requested ip.*already (?:allocated|in use)/i,
    why: "the address that the pod asks for is taken, or outside the network's range",
    mender: "pod",
    change: 'ask for another in "ips" of the annotation k8s.v1.cni.cncf.io/networks, or leave it out',
  },
  {
    id: "whereabouts-exhausted",
    pattern: /Could not allocate IP in range: ip: (\S+)/i,
    why: "whereabouts has no free address in the range of $1",
    mender: "network",
    change: "a larger range, or kubectl get ippools -A, and delete allocations of pods that are gone",
  },
  {
    id: "dhcp-daemon",
    pattern: /dial unix \S*dhcp\.sock/,
    why: "the network's addresses come from DHCP, and the dhcp daemon does not run on the node",
    mender: "node",
    change: "run /opt/cni/bin/dhcp daemon as a service or a DaemonSet",
  },
  {
    id: "dhcp-no-answer",
    pattern: /DHCP\.Allocate.*no more tries/,
    why: "no DHCP server answered on the master's network",
    mender: "network",
    change:
      "check that the master is in the right VLAN and that its switch lets several MAC addresses pass a port",
  },
  {
    id: "master-missing",
    pattern: /failed to lookup master "([^"]+)"|(?:^|: )Link not found/,
    why: "the network's master $1 is no link of this node",
    mender: "network",
    change: "name a link that every node of the network has, or tie the pod to nodes that have it",
  },
  {
    id: "master-busy",
    pattern: /failed to create (macvlan|ipvlan): device or resource busy/,
    why: "the kernel lets a link be the master of macvlans or of ipvlans, not both, and of nothing while it is in a bridge or bond",
    mender: "network",
    change: "give the $1 network another master, or make both networks of one kind",
  },
  {
    id: "bridge-address",
    pattern: /"([^"]+)" already has an IP address different from (\S+)/,
    why: "bridge $1 has an address of another network, from before the configuration was changed",
    mender: "node",
    change: "drain the node, ip link delete $1; the plugin makes it anew with $2",
  },
  {
    id: "interface-exists",
    pattern:
      /container veth name provided \((\S+?)\) already exists|"?(\S+?)"? already exists.*netns|file exists/,
    why: "the pod has an interface of that name already: two networks with one name, or a sandbox made twice",
    mender: "pod",
    change: "name each network's interface (network@ifname) in the annotation; else delete the pod",
  },
  {
    id: "flannel",
    pattern: /\/run\/flannel\/subnet\.env: no such file/,
    why: "flannel's daemon has not run on this node yet",
    mender: "node",
    change: "kubectl -n kube-flannel get pods -o wide, and mend the node's one",
  },
  {
    id: "calico",
    pattern: /\/var\/lib\/calico\/nodename: no such file/,
    why: "calico-node has not run on this node yet",
    mender: "node",
    change: "kubectl -n calico-system (or kube-system) get pods -o wide, and mend the node's one",
  },
  {
    id: "not-ready",
    pattern: /NetworkPluginNotReady|cni plugin not initialized|no CNI configuration file in (\S+)/,
    why: "the node has no network configuration that its runtime can use, so only pods with hostNetwork: true start",
    mender: "node",
    change:
      "multi-nic-doctor on the node says which file is missing or passed over; on a DPU: scripts/install.sh",
  },
  {
    id: "sandbox-gone",
    pattern:
      /CNI_NETNS: "[^"]*" does not exist|(?:failed to open netns|Statfs|unknown FS magic).*(?:no such file|netns)/i,
    why: "the pod's sandbox ended while it was being attached",
    mender: "nobody",
    change:
      "nothing: kubelet makes a new sandbox. If it comes again and again, see why the sandbox ends (journalctl -u crio or containerd)",
  },
];
