/** What --help prints. */
export const help = `Usage: multi-nic-doctor [node|host|dpu] [OPTION...]     looks at this machine (node: any node)
       multi-nic-doctor manifests FILE...             looks at Kubernetes manifests, offline
       multi-nic-doctor explain [TEXT | POD]          says what a FailedCreatePodSandBox event means
       multi-nic-doctor --plan-vfs N --pf NAME [--apply]

  host   a machine with a DPU in it: SR-IOV, drivers, hw-tc-offload, and what goes for any node
  dpu    the DPU itself: switchdev, representors, Open vSwitch, and what goes for any node

  --root DIR       look at a captured tree, or another mounted root, in place of /
  --capture DIR    write what was looked at to a new folder, for --root elsewhere
  --pf NAME        only this physical function
  --cni-bin DIR    the CNI folder, where it is none of the usual ones
  --cni-conf DIR   the configuration folder, where it is none of the usual ones
  --ovs-db SOCKET  Open vSwitch's database, as ovs-vsctl --db takes it
  --sums FILE      SHA256SUMS of the release that should be installed
  -n, --namespace  of the pod to explain
  --json           one JSON document
  --apply          carries the plan for the virtual functions out; nothing else changes the machine

explain reads the event's text from its arguments or stdin; a pod's name ("web", "default/web") is looked up
with kubectl, or else oc.

Exit code: 0 all well (notes at most), 1 warnings, 2 errors, 64 wrong arguments, 70 a defect of its own.
`;
