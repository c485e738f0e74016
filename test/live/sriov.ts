import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Need, need } from "./kernel.ts";

/** A NIC of the kernel under test that can have virtual functions. */
export interface PhysicalFunction {
  readonly ifname: string;
  /** Its PCI device in sysfs, by way of its name */
  readonly device: string;
  readonly total: number;
}

const net = "/sys/class/net";

/**
 * The physical functions of a test kernel that scripts/test-kernel/qemu/run.sh -n has started. None anywhere else: a
 * machine's own NICs are not for tests to take apart.
 */
export function physicalFunctions(): readonly PhysicalFunction[] {
  if (hostname() !== "test-kernel") return [];
  return readdirSync(net)
    .map((ifname) => ({ ifname, device: join(net, ifname, "device") }))
    .filter(({ device }) => existsSync(join(device, "sriov_totalvfs")))
    .map((pf) => ({ ...pf, total: Number(readFileSync(join(pf.device, "sriov_totalvfs"), "utf8")) }))
    .filter(({ total }) => total > 0);
}

/** The need for a NIC with SR-IOV, emulated. */
export function sriov(): Need {
  const reason = "no NIC with SR-IOV: it is emulated by scripts/test-kernel/qemu/run.sh -n 1";
  return need("sriov", physicalFunctions().length > 0, reason);
}

export const numberOfVfs = ({ device }: PhysicalFunction): number =>
  Number(readFileSync(join(device, "sriov_numvfs"), "utf8"));

/** Past every program's own caution, by the kernel's rules alone: EBUSY, ERANGE. */
export const setNumberOfVfs = ({ device }: PhysicalFunction, count: number): void =>
  writeFileSync(join(device, "sriov_numvfs"), String(count), { flag: "r+" });

/** The PCI address of a virtual function, such as "0000:01:10.0". */
export const addressOfVf = ({ device }: PhysicalFunction, index: number): string =>
  basename(readlinkSync(join(device, `virtfn${index}`)));

/** The link of a virtual function, once its driver has made it. */
export async function linkOfVf(pf: PhysicalFunction, index: number): Promise<string> {
  for (let tries = 0; tries < 200; tries++) {
    const folder = join(pf.device, `virtfn${index}`, "net");
    const [ifname] = existsSync(folder) ? readdirSync(folder) : [];
    if (ifname !== undefined) return ifname;
    await sleep(50);
  }
  throw new Error(`virtual function ${index} of ${pf.ifname} has no link`);
}
