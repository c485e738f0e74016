import { spawnSync } from "node:child_process";
import { closeSync, openSync, writeFileSync } from "node:fs";
import type { Bed } from "./bed.ts";
import type { Calls } from "./measure.ts";

const subnet = "192.168.0.0/16";

/** VERSION of one executable of each. */
export function versionCalls(bed: Bed): Readonly<Record<"go" | "ours", Calls>> {
  const version = (file: string): Calls => ({
    VERSION: () => call(bed, file, "VERSION", "net1", { cniVersion: "1.0.0", name: "bench", type: "x" }),
  });
  return { go: version(`${bed.go}/host-local`), ours: version(`${bed.ours}/multi-nic`) };
}

/** One call of multi-nic for all NICs. */
export function oursCalls(bed: Bed, nics: number): Calls {
  const conf = {
    cniVersion: "1.0.0",
    name: "bench",
    type: "multi-nic",
    plugin: { type: "macvlan" },
    masters: bed.masters.slice(0, nics),
    ipam: { type: "multi-nic-ipam", subnet, interfaceBlock: 3, hostBlock: 2, hostIndex: 0 },
  };
  const run = (command: string) => call(bed, `${bed.ours}/multi-nic`, command, "net1", conf);
  return { ADD: () => run("ADD"), DEL: () => run("DEL") };
}

/** A call of Go's macvlan with host-local for each NIC, one after another. */
export function goCalls(bed: Bed, nics: number): Calls {
  const confs = bed.masters.slice(0, nics).map((master, i) => ({
    cniVersion: "1.0.0",
    name: `bench-go-${i}`,
    type: "macvlan",
    master,
    ipam: { type: "host-local", subnet: `192.168.${i}.0/24`, dataDir: `${bed.state}/host-local` },
  }));
  const run = (command: string) =>
    confs.forEach((conf, i) => {
      call(bed, `${bed.go}/macvlan`, command, `net${i + 1}`, conf);
    });
  return { ADD: () => run("ADD"), DEL: () => run("DEL") };
}

function call(bed: Bed, file: string, command: string, ifname: string, conf: unknown): void {
  const env = {
    PATH: process.env.PATH ?? "",
    CNI_COMMAND: command,
    CNI_CONTAINERID: "bench",
    CNI_NETNS: bed.pod,
    CNI_IFNAME: ifname,
    CNI_PATH: `${bed.ours}:${bed.go}`,
    MULTI_NIC_CNI_STATE_DIR: bed.state,
    MULTI_NIC_CNI_LOG_FILE: `${bed.state}/log`,
  };
  // From a file: what Node gives its children as a pipe is a socket, which no runtime does.
  const stdin = `${bed.state}/stdin`;
  writeFileSync(stdin, JSON.stringify(conf));
  const fd = openSync(stdin, "r");
  const ended = bed.host.run(() => spawnSync(file, { stdio: [fd, "pipe", "pipe"], env }));
  closeSync(fd);
  if (ended.status === 0) return;
  throw new Error(`${file} ${command} failed: ${ended.stdout}${ended.stderr}${ended.error ?? ""}`);
}
