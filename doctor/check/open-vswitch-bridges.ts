import type { Check } from "../check.ts";
import { error, type Finding, note, warning } from "../finding.ts";
import { type OpenVswitch, openVswitch } from "../open-vswitch.ts";
import { type SwitchPort, switchPorts } from "../switch-ports.ts";
import type { Tree } from "../tree.ts";

/** Whether a bridge joins the uplink with the host's representor, and has the node's address. */
export const openVswitchBridges: Check = {
  id: "open-vswitch-bridges",
  title: "Open vSwitch: the bridge of uplink and host",
  applies: ["dpu"],
  async run(tree, scope) {
    const found = await openVswitch(tree, scope);
    if (!("failure" in found)) return judge(tree, found);
    return [note("Open vSwitch", found.failure, "its bridges were not looked at")];
  },
};

/** Names as BlueField's own udev rules give them, where the kernel does not say. */
const byName = (ports: readonly string[], pattern: RegExp) => ports.filter((port) => pattern.test(port));

function judge(tree: Tree, { bridges }: OpenVswitch): Finding[] {
  const known = switchPorts(tree);
  const all = [...bridges.values()].flat();
  const uplink = namesOf(known, "uplink")[0] ?? byName(all, /^p\d+$/)[0] ?? "p0";
  const host = namesOf(known, "host PF")[0] ?? byName(all, /^pf\d+hpf$/)[0] ?? "pf0hpf";
  const [bridge] = [...bridges].find(([, ports]) => ports.includes(uplink)) ?? [];
  if (bridge === undefined)
    return [
      error(
        "ovs-vsctl show",
        `no bridge has the uplink ${uplink}`,
        "neither the DPU nor its host reaches the network through Open vSwitch",
        `ovs-vsctl --may-exist add-br brp0 -- --may-exist add-port brp0 ${uplink} -- --may-exist add-port brp0 ${host}`,
      ),
    ];
  return [...hostPort(bridges, bridge, host), ...addressOf(tree, bridge, uplink), ...integration(bridges)];
}

const namesOf = (ports: readonly SwitchPort[], kind: SwitchPort["kind"]) =>
  ports.filter((port) => port.kind === kind).map(({ name }) => name);

function hostPort(bridges: OpenVswitch["bridges"], bridge: string, host: string): Finding[] {
  if (bridges.get(bridge)?.includes(host)) return [];
  const why = "the host has no network through the DPU";
  return [
    error(
      `bridge ${bridge}`,
      `${host} is no port of it`,
      why,
      `ovs-vsctl --may-exist add-port ${bridge} ${host}`,
    ),
  ];
}

function addressOf(tree: Tree, bridge: string, uplink: string): Finding[] {
  if (hasAddress(tree, bridge)) return [];
  const misplaced = hasAddress(tree, uplink);
  const what = misplaced ? `has no address, and its port ${uplink} has` : "has no address";
  const mend = misplaced ? `ip addr del <address> dev ${uplink}; ` : "";
  return [
    error(
      `bridge ${bridge}`,
      what,
      "the DPU cannot be reached at a port's address, nor make tunnels",
      `${mend}ip addr add <address>/<prefix> dev ${bridge} && ip link set ${bridge} up`,
    ),
  ];
}

/** By what the kernel routes to it: an address brings a route to its network. IPv6: not link-local (scope 20). */
function hasAddress(tree: Tree, link: string): boolean {
  const routes = (tree.text("/proc/net/route") ?? "").split("\n").map((line) => line.split(/\s+/)[0]);
  const inet6 = (tree.text("/proc/net/if_inet6") ?? "").split("\n").map((line) => line.trim().split(/\s+/));
  return routes.includes(link) || inet6.some((fields) => fields[5] === link && fields[3] !== "20");
}

function integration(bridges: OpenVswitch["bridges"]): Finding[] {
  if (bridges.has("br-int")) return [];
  return [
    warning(
      "ovs-vsctl show",
      "there is no bridge br-int",
      "ovn-controller has not run here yet: pods of the host are not connected",
      "kubectl get pods -A -o wide | grep ovnkube-node, on this node",
    ),
  ];
}
