import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CniError, ErrorCode } from "../../../lib/cni/error.ts";
import { type Netns, ownNetns } from "../../../lib/linux/netns.ts";
import { NetlinkError } from "../../../lib/netlink/error.ts";
import {
  decodeNetnsMode,
  decodeRdmaDevice,
  dumpRdmaDevices,
  getRdmaSystem,
  moveRdmaDevice,
  type RdmaDevice,
  renameRdmaDevice,
} from "../../../lib/netlink/message/rdma.ts";
import { openRdma, type RdmaSocket } from "../../../lib/netlink/rdma-socket.ts";
import type { Netlink } from "../../../lib/netlink/socket.ts";
import { dump } from "../../../lib/nic/discover.ts";
import { rdmaOfDevice } from "../../../lib/nic/pci.ts";
import type { LentLink, Plan } from "../plan.ts";
import { type HostDevice, isLent, shown } from "./device.ts";
import { sys } from "./find.ts";

/** Opens a socket for the RDMA devices of a namespace. */
type Open = (netns: Netns) => Pick<RdmaSocket, "request" | "close" | typeof Symbol.dispose>;

/**
 * The RDMA devices by the folder that they are in, those that are to move along with the links: all of the folders'
 * where each namespace has its own, none where they are shared.
 */
export async function rdmaToMove(
  sysfs: string,
  folders: readonly string[],
  open: Open = openRdma,
): Promise<ReadonlyMap<string, readonly RdmaDevice[]>> {
  using host = ownNetns();
  using rdma = openFor(folders, host, open);
  if ((await readMode(rdma)) === "shared") return new Map();
  const devices = await readDevices(rdma);
  return new Map(
    folders.map((folder) => {
      const names = rdmaOfDevice(sysfs, folder) ?? [];
      return [folder, devices.filter(({ name }) => names.includes(name))];
    }),
  );
}

/** Without its core module the kernel has no RDMA devices; what made their folders is no driver of this kernel then. */
function openFor(folders: readonly string[], host: Netns, open: Open): ReturnType<Open> {
  try {
    return open(host);
  } catch (error) {
    if (!(error instanceof NetlinkError) || error.code !== "EPROTONOSUPPORT") throw error;
    throw new CniError(
      ErrorCode.notAvailable,
      `${folders.map((folder) => basename(folder)).join(", ")}: has RDMA devices, and this kernel cannot be asked about them; load ib_core (modprobe ib_core)`,
      { details: error.message, cause: error },
    );
  }
}

async function readMode(rdma: Netlink) {
  try {
    const [[message] = []] = await rdma.request([getRdmaSystem()]);
    return message === undefined ? "shared" : decodeNetnsMode(message);
  } catch (error) {
    // A kernel before 5.1, whose devices are in every namespace, has no such request.
    if (error instanceof NetlinkError && error.code === "EINVAL") return "shared";
    throw error;
  }
}

const readDevices = async (rdma: Netlink): Promise<RdmaDevice[]> =>
  (await dump(rdma, dumpRdmaDevices())).map(decodeRdmaDevice);

/** Moves a link's RDMA devices after it into the pod. @throws CniError that names the device and the remedy */
export async function lendRdma(
  { ifname, master, device }: LentLink,
  host: Netns,
  pod: Netns,
  open: Open = openRdma,
): Promise<void> {
  using rdma = open(host);
  for (const { index, name } of device.rdma ?? []) {
    try {
      await rdma.request([moveRdmaDevice(index, pod.fd, `move RDMA device ${name} into the pod`)]);
    } catch (error) {
      throw refusedMove(error, `${ifname}: RDMA device ${name} of ${shown(master, device)}`);
    }
  }
}

const gone: readonly [code: number, what: string] = [
  ErrorCode.tryAgainLater,
  "is gone since it was chosen; try again",
];
const refusals: Readonly<Record<string, readonly [code: number, what: string]>> = {
  EINVAL: gone,
  ENODEV: gone,
  EOPNOTSUPP: [
    ErrorCode.invalidConfig,
    "cannot move into the pod: its driver does not take it away from programs that use it. Name another device, or let all namespaces have every RDMA device (rdma system set netns shared, with no pod on the node)",
  ],
  EBUSY: [
    ErrorCode.tryAgainLater,
    "cannot move into the pod: something on the host is using it (rdma resource show); end that, or name another device",
  ],
};

function refusedMove(error: unknown, device: string): unknown {
  if (!(error instanceof NetlinkError)) return error;
  const known = refusals[error.code];
  if (known === undefined) return error;
  return new CniError(known[0], `${device} ${known[1]}`, { details: error.message, cause: error });
}

/**
 * Brings a link's RDMA devices home, under their names: from the pod, or from where the kernel has them while it ends
 * the pod's namespace (rdma_dev_exit_net). A second time changes nothing.
 */
export async function giveBackRdma(
  link: LentLink,
  host: Netns,
  pod: Netns | undefined,
  open: Open = openRdma,
): Promise<void> {
  const lent = link.device.rdma ?? [];
  if (pod !== undefined) await moveHome(lent, host, pod, open);
  using rdma = open(host);
  const home = await waitAtHome(link, rdma);
  for (const { index, name } of lent) {
    const is = home.find((each) => each.index === index)?.name;
    if (is === undefined || is === name) continue;
    await rdma.request([renameRdmaDevice(index, name, `give RDMA device ${is} back its name ${name}`)]);
  }
}

async function moveHome(lent: readonly RdmaDevice[], host: Netns, pod: Netns, open: Open): Promise<void> {
  using rdma = open(pod);
  const inPod = (await readDevices(rdma)).filter(({ index }) => lent.some((each) => each.index === index));
  for (const { index, name } of inPod)
    await rdma.request([moveRdmaDevice(index, host.fd, `move RDMA device ${name} home`)]);
}

/** ms that the kernel may take to end a namespace and to put its devices back (cleanup_net) */
const patience = 10_000;

/** The host's RDMA devices, once the link's are among them, or nowhere. */
async function waitAtHome({ master, device }: LentLink, rdma: Netlink): Promise<readonly RdmaDevice[]> {
  for (const end = Date.now() + patience; ; await sleep(50)) {
    const home = await readDevices(rdma);
    const missing = (device.rdma ?? []).filter(({ index }) => !home.some((each) => each.index === index));
    if (missing.length === 0 || !isElsewhere(device)) return home;
    if (Date.now() > end) throw notBack(shown(master, device), missing);
  }
}

const notBack = (link: string, missing: readonly RdmaDevice[]): CniError =>
  new CniError(
    ErrorCode.tryAgainLater,
    `RDMA device ${missing.map(({ name }) => name).join(", ")} of ${link} has not come back: something keeps the namespace of a pod that is gone; it is put back when DEL, GC or an ADD finds it`,
  );

/** Another namespace has a device's RDMA devices: their folder is there, and shows none of them in this one. */
const isElsewhere = ({ folder }: HostDevice): boolean =>
  folder !== undefined && rdmaOfDevice(sys, folder)?.length === 0;

/** The RDMA devices of a plan that are not in the pod, as sentences. */
export async function differencesOfRdma(plan: Plan, pod: Netns, open: Open = openRdma): Promise<string[]> {
  const lent = plan.links
    .filter(isLent)
    .flatMap(({ ifname, device }) => (device.rdma ?? []).map((each) => ({ ifname, ...each })));
  if (lent.length === 0) return [];
  using rdma = open(pod);
  const inPod = await readDevices(rdma);
  return lent
    .filter(({ index }) => !inPod.some((each) => each.index === index))
    .map(({ ifname, name }) => `${ifname}: RDMA device ${name} is not in the pod's namespace`);
}
