import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { describeWhere, linkKind } from "./kernel.ts";

/**
 * Two pods, namespaces a and b, each with an ipvlan of one master, made by `ip`. Prints what the kernel
 * says of a's link, then "reached" or "not reached". All of it is in namespaces that end with the shell.
 */
const twoPods = `
  mount -t tmpfs tmpfs /run
  ip link add m0 type veth peer name m1
  ip link set m0 up
  ip link set m1 up
  for pod in a b; do
    ip netns add $pod
    ip link add link m0 name eth0 netns $pod type ipvlan mode $1 $2
    ip -n $pod link set eth0 up
  done
  ip -n a address add 10.9.0.1/24 dev eth0
  ip -n b address add 10.9.0.2/24 dev eth0
  ip -n a -json -details link show eth0
  if ip netns exec a ping -q -c 1 -W 0.3 10.9.0.2 >&2; then echo reached; else echo not reached; fi
`;

const rows = ["l2", "l3", "l3s"].flatMap((mode) => [
  { mode, flag: "bridge", traffic: "reached" },
  // private drops what is for another ipvlan of the master; vepa leaves it to the switch, and a veth
  // end sends nothing back (drivers/net/ipvlan/ipvlan_core.c, ipvlan_xmit_mode_l2 and _l3).
  { mode, flag: "private", traffic: "not reached" },
  { mode, flag: "vepa", traffic: "not reached" },
]);

describeWhere([linkKind("ipvlan"), linkKind("veth")], "ipvlan made by ip", () => {
  test.each(rows)("ipvlan $mode $flag is made in the pod, and the other pod is $traffic", (row) => {
    const pods = ["bash", "-eu", "-c", twoPods, "two-pods", row.mode, row.flag];
    const run = spawnSync("unshare", ["--net", "--mount", ...pods], { encoding: "utf8" });
    expect(run.status, run.stderr).toBe(0);

    const [links, traffic] = run.stdout.trim().split("\n");
    const [{ linkinfo }] = JSON.parse(links ?? "");
    expect(linkinfo).toMatchObject({ info_kind: "ipvlan", info_data: { mode: row.mode } });
    expect(Object.keys(linkinfo.info_data)).toContain(row.flag);
    expect(traffic).toBe(row.traffic);
  });
});
