import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Reported } from "../../doctor/finding.ts";
import { describeWhere, need } from "./kernel.ts";
import { whyNoNamespaces } from "./namespaces.ts";
import { type OpenVswitch, startOpenVswitch, whyNoOpenVswitch } from "./open-vswitch.ts";
import { bin } from "./plugin.ts";

const whyNot = whyNoNamespaces() ?? whyNoOpenVswitch();
const openVswitch = need("open-vswitch", whyNot === undefined, whyNot ?? "");
const executable = join(bin, "multi-nic-doctor");

describeWhere(openVswitch, "multi-nic-doctor with Debian's Open vSwitch", () => {
  let ovs: OpenVswitch;
  beforeAll(() => {
    ovs = startOpenVswitch();
    for (const name of ["p0", "pf0hpf"]) ovs.namespace.ip(`link add ${name} type veth peer name ${name}-end`);
  });
  afterAll(() => ovs[Symbol.dispose]());

  /** What the executable finds of Open vSwitch on a DPU, as it is in the namespace. */
  function examine(env = ovs.env, ...more: string[]): Reported[] {
    const args = ["netns", "exec", ovs.namespace.name, executable, "dpu", "--json", ...more];
    const { stdout, stderr } = spawnSync("ip", args, { env, encoding: "utf8" });
    expect(stderr).toBe("");
    const { findings } = JSON.parse(stdout) as { findings: Reported[] };
    return findings.filter(({ check }) => check.startsWith("open-vswitch"));
  }

  const mendOf = (where: string, findings = examine()) =>
    findings.find((finding) => finding.where.includes(where))?.mend ?? "";
  const whats = (findings = examine()) =>
    findings.map(({ severity, where, what }) => `${severity} ${where}: ${what}`);
  /** Bridges of the kernel's datapath are what the remedy makes; here they are to be of the one in user space. */
  const inUserSpace = (bridge: string) => `ovs-vsctl --no-wait set bridge ${bridge} datapath_type=netdev`;

  it("finds what is not set on a fresh one", () => {
    expect(whats()).toEqual([
      "error Open_vSwitch . other_config:hw-offload: is not set",
      "error Open_vSwitch . external_ids:host-k8s-nodename: is not set",
      "warning Open_vSwitch . external_ids:ovn-gw-interface: is not set",
      "warning Open_vSwitch . external_ids:ovn-gw-nexthop: is not set",
      "note Open_vSwitch . external_ids:ovn-encap-ip: is not set",
      "note Open_vSwitch . external_ids:ovn-encap-type: is not set",
      "error ovs-vsctl show: no bridge has the uplink p0",
    ]);
  });

  it("gives commands that mend the settings", () => {
    for (const { mend = "" } of examine().filter(({ where }) => where.startsWith("Open_vSwitch")))
      ovs.sh((mend.split(" && ")[0] ?? "").replace(/<[^>]*>/, "192.168.40.254"));
    expect(whats()).toEqual(["error ovs-vsctl show: no bridge has the uplink p0"]);
  });

  it("gives a command that makes the bridge, and goes on to what is lacking then", () => {
    ovs.sh(mendOf("ovs-vsctl show").replaceAll("ovs-vsctl ", "ovs-vsctl --no-wait "));
    ovs.sh(inUserSpace("brp0"));
    ovs.sh("ovs-vsctl --no-wait del-port brp0 pf0hpf");
    expect(whats()).toEqual([
      "error bridge brp0: pf0hpf is no port of it",
      "error bridge brp0: has no address",
      "warning ovs-vsctl show: there is no bridge br-int",
    ]);
  });

  it("finds nothing once the rest is mended as well", () => {
    ovs.sh(mendOf("bridge brp0"));
    ovs.sh("for i in 1 2 3 4 5 6 7 8 9 10; do ip link show brp0 >/dev/null 2>&1 && break; sleep 0.2; done");
    const address = examine().find(({ what }) => what === "has no address")?.mend ?? "";
    ovs.sh(address.replace("<address>/<prefix>", "192.168.41.127/22"));
    ovs.sh(`ovs-vsctl --no-wait add-br br-int; ${inUserSpace("br-int")}`);
    expect(whats()).toEqual([]);
  });

  it("asks the database that --ovs-db names, and says so where none answers", () => {
    const elsewhere = { ...ovs.env, OVS_RUNDIR: "/nowhere" };
    expect(examine(elsewhere, "--ovs-db", `unix:${ovs.socket}`)).toEqual([]);
    const failed = expect.stringContaining("unix:/nowhere/db.sock: database connection failed");
    expect(examine(elsewhere)).toMatchObject([
      { severity: "error", what: failed },
      { severity: "note", what: failed },
    ]);
  });
});
