import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { JsonObject } from "../../lib/cni/json.ts";
import { movableRxe } from "./movable-rdma.ts";
import type { Namespace } from "./namespaces.ts";
import type { Node } from "./node.ts";
import { bin } from "./plugin.ts";

/** An RDMA device for a NIC of the test kernel, which has none of its own. */
export interface FakedRdma extends Disposable {
  /** The names of those of a namespace; of the kernel's own where none is given. */
  names(namespace?: Namespace): string[];
}

/**
 * rxe0, as if it were the RDMA device of a NIC: over another link, since it ends with its link's namespace, and shown by
 * sysfs in the NIC's folder. `movable`: its driver lets the kernel move it (movable-rdma.ts). The modules are loaded with
 * the mode, as to set it the kernel wants no namespace to be there.
 */
export function fakeRdma(
  device: string,
  over: string,
  { mode, movable }: { mode: "shared" | "exclusive"; movable: boolean },
): FakedRdma {
  const modules = `/lib/modules/${release()}/kernel`;
  const folder = mkdtempSync("/run/rdma-");
  run("modprobe", "ib_core", `netns_mode=${mode === "shared" ? 1 : 0}`);
  for (const name of ["ib_uverbs", "udp_tunnel", "ip6_udp_tunnel"]) run("modprobe", name);
  const rxe = `${modules}/drivers/infiniband/sw/rxe/rdma_rxe.ko`;
  const irdma = {
    file: `${modules}/drivers/infiniband/hw/irdma/irdma.ko`,
    table: "irdma_dev_ops",
    operation: "irdma_disassociate_ucontext",
  };
  writeFileSync(join(folder, "rxe.ko"), movable ? movableRxe(rxe, irdma) : readFileSync(rxe));
  run("insmod", join(folder, "rxe.ko"));
  execFileSync("rdma", ["link", "add", "rxe0", "type", "rxe", "netdev", over]);
  for (const name of ["lower", "upper", "work"]) mkdirSync(join(folder, name));
  symlinkSync("/sys/devices/virtual/infiniband", join(folder, "upper/infiniband"));
  // A path with colons cannot be named to overlay.
  execFileSync("mount", ["--bind", device, join(folder, "lower")]);
  const layers = ["lowerdir=lower", "upperdir=upper", "workdir=work"].join(",");
  execFileSync("mount", ["-t", "overlay", "-o", layers, "overlay", device], { cwd: folder });
  return {
    names: (namespace) => {
      const words = namespace === undefined ? [] : ["ip", "netns", "exec", namespace.name];
      const [command = "", ...args] = [...words, "rdma", "-j", "dev"];
      const devices = JSON.parse(execFileSync(command, args, { encoding: "utf8" }) || "[]");
      return devices.map(({ ifname }: { ifname: string }) => ifname);
    },
    [Symbol.dispose]: () => {
      for (const mount of [device, join(folder, "lower")]) execFileSync("umount", [mount]);
      for (const { ifname } of JSON.parse(execFileSync("rdma", ["-j", "dev"], { encoding: "utf8" }) || "[]"))
        execFileSync("rdma", ["link", "del", ifname]);
      for (const name of ["rdma_rxe", "rdma_cm", "iw_cm", "ib_cm", "ib_uverbs", "ib_core"])
        spawnSync("/run/test-kernel/busybox", ["rmmod", name]);
      rmSync(folder, { recursive: true });
    },
  };
}

const run = (applet: string, ...args: readonly string[]): void => {
  execFileSync("/run/test-kernel/busybox", [applet, ...args]);
};

export interface Where {
  /** CNI_NETNS */
  readonly netns: string;
  /** What the executable is started by */
  readonly wrap: readonly string[];
}

/**
 * Calls multi-nic in the test's own namespace: `ip netns exec`, by which other tests call it, mounts a sysfs of its own.
 * Gives what it says, {} where that is nothing.
 */
export function callHere(node: Node, command: string, conf: JsonObject, { netns, wrap }: Where) {
  const [program = "", ...args] = [...wrap, join(bin, "multi-nic")];
  const env = {
    PATH: process.env.PATH ?? "",
    CNI_COMMAND: command,
    CNI_CONTAINERID: "c1",
    CNI_IFNAME: "net1",
    CNI_PATH: bin,
    CNI_NETNS: netns,
    ...node.env,
  };
  const { stdout } = spawnSync(program, args, { env, input: JSON.stringify(conf), encoding: "utf8" });
  return stdout === "" ? {} : JSON.parse(stdout);
}

/** What is recorded of the one attachment that there is. */
export function recordedPlan({ stateDir }: Node): string {
  const db = new DatabaseSync(join(stateDir, "state.db"), { readOnly: true, timeout: 10_000 });
  const [row] = db.prepare("SELECT plan FROM attachments").all();
  db.close();
  return String(row?.plan);
}
