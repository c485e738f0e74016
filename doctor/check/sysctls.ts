import type { Check } from "../check.ts";
import { error, type Finding, warning } from "../finding.ts";
import { readValue, type Tree } from "../tree.ts";

const bridge = "/proc/sys/net/bridge/bridge-nf-call-iptables";
const ipv4 = "/proc/sys/net/ipv4/ip_forward";
const ipv6 = "/proc/sys/net/ipv6/conf/all/forwarding";

/** What kubeadm's preflight asks of the kernel: forwarding, and br_netfilter. */
export const sysctls: Check = {
  id: "sysctls",
  title: "forwarding and br_netfilter",
  applies: ["node", "dpu"],
  run: (tree) => [...forwarding(tree), ...bridgeNetfilter(tree)],
};

function forwarding(tree: Tree): Finding[] {
  const found: Finding[] = [];
  if (readValue(tree, ipv4) === "0")
    found.push(
      error(
        ipv4,
        "is 0",
        "the node forwards no packet of a pod, and kubeadm refuses it",
        "sysctl -w net.ipv4.ip_forward=1",
      ),
    );
  if (readValue(tree, ipv6) === "0" && hasGlobalIpv6(tree))
    found.push(
      warning(
        ipv6,
        "is 0",
        "the node has an IPv6 address and forwards no IPv6 packet of a pod",
        "sysctl -w net.ipv6.conf.all.forwarding=1",
      ),
    );
  return found;
}

/** Scope 00 is global (net/ipv6/addrconf.c, if6_seq_show). */
function hasGlobalIpv6(tree: Tree): boolean {
  const lines = (tree.text("/proc/net/if_inet6") ?? "").split("\n");
  return lines.some((line) => line.trim().split(/\s+/)[3] === "00");
}

function bridgeNetfilter(tree: Tree): Finding[] {
  const value = readValue(tree, bridge);
  const why = "kubeadm refuses the node, and service addresses do not work between pods of one bridge";
  if (value === undefined)
    return [
      warning(
        bridge,
        "does not exist: br_netfilter is not loaded",
        why,
        "modprobe br_netfilter && echo br_netfilter > /etc/modules-load.d/br_netfilter.conf",
      ),
    ];
  return value === "1"
    ? []
    : [warning(bridge, `is ${value}`, why, "sysctl -w net.bridge.bridge-nf-call-iptables=1")];
}
