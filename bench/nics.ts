import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openNetns } from "../lib/linux/netns.ts";
import { readNics } from "../lib/nic/discover.ts";
import type { HostNic } from "../lib/nic/host-nic.ts";
import { offeredNics } from "../lib/nic/offer.ts";
import { type Policy, strategies } from "../lib/nic/policy/policy.ts";
import { rule } from "../lib/nic/policy/rule.ts";
import { surveyNics } from "../lib/nic/survey.ts";
import { time } from "./time.ts";

const usage = `Usage: node bench/nics.ts [--links N] [--nics N] [--rounds N]
Times, in a network namespace of its own: what an ADD reads that has no masters to look up, and discovery, among N links
(1000), none of them or some NICs; and each policy's choice among N NICs (32). The first round is a process's first, which
is what a standalone ADD has. Needs root.`;

const { values } = parseArgs({
  options: {
    links: { type: "string", default: "1000" },
    nics: { type: "string", default: "32" },
    rounds: { type: "string", default: "50" },
    help: { type: "boolean", short: "h", default: false },
  },
});

/** Links that are veths, and a sysfs in which the first of them have a device, as virtual functions have. */
async function discovery(links: number, rounds: number): Promise<void> {
  const name = `mnc-bench-nics-${process.pid}`;
  const tree = mkdtempSync("/dev/shm/mnc-bench-");
  execFileSync("ip", ["netns", "add", name]);
  try {
    const pairs = Array.from({ length: links / 2 }, (_, i) => `link add v${i} type veth peer name w${i}`);
    execFileSync("ip", ["-n", name, "-batch", "-"], { input: pairs.join("\n") });
    const devices = Array.from({ length: 128 }, (_, i) => `v${i}`);
    devices.forEach((device, at) => {
      writeDevice(tree, device, at);
    });
    using host = openNetns(`/run/netns/${name}`);
    const view = { netlink: host.netlink, sys: tree };
    await time(`every link, ${links} links`, rounds, () => readNics(view));
    await time(`those with a device, ${links} links`, rounds, () => readNics(view, { withDevice: true }));
    await time(`discovery, ${links} links, no NIC`, rounds, () => surveyNics(view));
    await time(`discovery, ${links} links, 32 NICs`, rounds, () =>
      surveyNics(view, { virtual: devices.slice(0, 32) }),
    );
    await time(`discovery, ${links} links, 128 NICs`, rounds, () => surveyNics(view, { virtual: devices }));
  } finally {
    execFileSync("ip", ["netns", "del", name]);
    rmSync(tree, { recursive: true });
  }
}

function writeDevice(tree: string, ifname: string, at: number): void {
  const address = `0000:${(0x10 + (at >> 3)).toString(16)}:00.${at & 7}`;
  const folder = join(tree, "devices/pci0000:00", address);
  mkdirSync(join(folder, "net", ifname), { recursive: true });
  mkdirSync(join(folder, "infiniband", `mlx5_${at}`), { recursive: true });
  mkdirSync(join(tree, "class/net"), { recursive: true });
  writeFileSync(join(folder, "uevent"), "DRIVER=mlx5_core\nPCI_CLASS=20000\nPCI_ID=15B3:101E\n");
  writeFileSync(join(folder, "numa_node"), "0\n");
  symlinkSync("../0000:0f:00.0", join(folder, "physfn"));
  symlinkSync(`../../devices/pci0000:00/${address}/net/${ifname}`, join(tree, "class/net", ifname));
}

/** NICs in groups of four behind a switch, every second group on another NUMA node; a GPU at each of the first four. */
async function choice(count: number, rounds: number): Promise<void> {
  const switchOf = (group: number) => ["pci0000:00", `0000:${group}0:00.0`, `0000:${group}1:00.0`];
  const nics: HostNic[] = Array.from({ length: count }, (_, at) => ({
    name: `eth${at}`,
    index: at + 1,
    mac: undefined,
    mtu: 9000,
    up: at % 11 !== 10,
    carrier: true,
    operstate: "up",
    addresses: [{ address: { family: 4, value: 0x0a000001n + BigInt(at << 16) }, prefix: 16 }],
    physical: true,
    defaultRoute: false,
    sort: "device",
    devices: [
      {
        bus: "pci",
        address: `0000:${at}`,
        path: [...switchOf(at >> 2), `port${at}`, `nic${at}`],
        vendor: "15b3",
        product: "101d",
        numaNode: (at >> 2) & 1,
        rdma: [],
      },
    ],
    lower: [],
    representor: false,
    speed: 100_000,
  }));
  const gpus = [0, 1, 2, 3].map((group) => ({
    id: `GPU-${group}`,
    path: [...switchOf(group), "port", "gpu"],
    numaNode: group & 1,
  }));
  const load = new Map(nics.map(({ name }, at) => [name, (at * 7) % 5]));
  for (const strategy of strategies) {
    const policy: Policy = {
      strategy,
      load,
      nics: Math.min(8, count),
      target: 400_000,
      ...(strategy === "devClass"
        ? { deviceClass: { name: "fast", ids: [{ vendor: "15b3", products: ["101d"] }] } }
        : {}),
      topology: { gpus, located: new Map() },
    };
    const offer = { masters: [], masterNets: [], nodeMasters: undefined };
    await time(`${strategy}, ${count} NICs`, rounds * 20, () => rule(offeredNics(nics, offer), policy));
  }
}

if (values.help) {
  console.log(usage);
} else {
  await choice(Number(values.nics), Number(values.rounds));
  await discovery(Number(values.links), Number(values.rounds));
}
