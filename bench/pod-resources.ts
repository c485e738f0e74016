import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readPodDevices } from "../lib/nic/facts/checkpoint.ts";
import { askPodResources } from "../lib/nic/facts/pod-resources.ts";
import { type GetOf, podWith, serveKubelet, socketIn } from "../test/kubelet/kubelet.ts";
import { time } from "./time.ts";

const usage = `Usage: node bench/pod-resources.ts [--bin DIR] [--rounds N]
Times what a pod's GPUs cost: asking a stand-in for kubelet in a process of its own, as multi-nicd does, beside reading the
checkpoint; and, with the executables of --bin (needs root), the ADD of policy topology with either, standalone.`;

const { values } = parseArgs({
  options: {
    bin: { type: "string" },
    rounds: { type: "string", default: "50" },
    help: { type: "boolean", short: "h", default: false },
    // What the process of the stand-in is started with.
    serve: { type: "string" },
    pods: { type: "string", default: "30" },
    get: { type: "string", default: "served" },
  },
});
const rounds = Number(values.rounds);

const podsOf = (count: number) => [
  ...Array.from({ length: count - 1 }, (_, at) => ({
    ...podWith(`0000:${at}`),
    name: `some-deployment-7d9f8b6c5-${at}`,
  })),
  podWith("0000:3b:00.0"),
];

async function startKubelet(folder: string, count: number, get: GetOf): Promise<ChildProcess> {
  const words = [import.meta.filename, "--serve", folder, "--pods", String(count), "--get", get];
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.stdout) await once(child.stdout, "data");
  return child;
}

function writeCheckpoint(folder: string, count: number): void {
  const entries = podsOf(count).map(({ name, containers = [] }) => ({
    PodUID: name === "train" ? "uid-1" : name,
    ContainerName: "c",
    ResourceName: "amd.com/gpu",
    DeviceIDs: { "0": containers[0]?.devices?.[0]?.device_ids },
    AllocResp: "x".repeat(400),
  }));
  mkdirSync(join(folder, "device-plugins"), { recursive: true });
  const text = JSON.stringify({ Data: { PodDeviceEntries: entries, RegisteredDevices: {} }, Checksum: 1 });
  writeFileSync(join(folder, "device-plugins/kubelet_internal_checkpoint"), text);
}

/** In a folder that stands for kubelet's, with a checkpoint, and a kubelet where `get` says of which kind. */
async function withKubelet(
  count: number,
  get: GetOf | undefined,
  work: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "mnc-bench-"));
  writeCheckpoint(folder, count);
  const kubelet = get === undefined ? undefined : await startKubelet(folder, count, get);
  try {
    await work(folder);
  } finally {
    kubelet?.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  }
}

const pod = { uid: "uid-1", namespace: "team-a", name: "train" };

async function asking(): Promise<void> {
  const cases: [string, number, GetOf][] = [
    ["Get", 30, "served"],
    ["Get, refused, and List", 30, "disabled"],
    ["Get, refused, and List", 1000, "disabled"],
  ];
  for (const [title, count, get] of cases)
    await withKubelet(count, get, (folder) =>
      time(`${title}, ${count} pods`, rounds, async () => {
        const told = await askPodResources(socketIn(folder), pod);
        if ("reason" in told) throw new Error(told.reason);
      }),
    );
  for (const count of [30, 1000])
    await withKubelet(count, undefined, (folder) =>
      time(`checkpoint, ${count} pods`, rounds, () => readPodDevices(folder, "uid-1")),
    );
}

/** ADDs of a pod with one of two masters, standalone: kubelet's folder is all that differs. */
async function adding(bin: string): Promise<void> {
  const [host, guest] = [`mnc-bench-host-${process.pid}`, `mnc-bench-pod-${process.pid}`];
  const state = mkdtempSync("/dev/shm/mnc-bench-");
  for (const name of [host, guest]) execFileSync("ip", ["netns", "add", name]);
  try {
    for (const master of ["eth1", "eth2"]) {
      execFileSync("ip", ["-n", host, "link", "add", master, "type", "veth", "peer", "name", `${master}p`]);
      for (const end of [master, `${master}p`]) execFileSync("ip", ["-n", host, "link", "set", end, "up"]);
    }
    const call = (command: string, kubelet: string, strategy: string) =>
      execFileSync("ip", ["netns", "exec", host, join(bin, "multi-nic-cni"), "multi-nic"], {
        input: JSON.stringify({
          cniVersion: "1.1.0",
          name: "bench",
          type: "multi-nic",
          plugin: { type: "macvlan" },
          masters: ["eth1", "eth2"],
          attachPolicy: { strategy },
          args: { cni: { nics: 1 } },
        }),
        env: {
          PATH: process.env.PATH,
          CNI_COMMAND: command,
          CNI_CONTAINERID: "c1",
          CNI_NETNS: `/run/netns/${guest}`,
          CNI_IFNAME: "net1",
          CNI_PATH: bin,
          CNI_ARGS: "K8S_POD_NAMESPACE=team-a;K8S_POD_NAME=train;K8S_POD_UID=uid-1",
          MULTI_NIC_CNI_STATE_DIR: state,
          MULTI_NIC_CNI_LOG_FILE: "off",
          MULTI_NIC_CNI_KUBELET_DIR: kubelet,
        },
      });
    await withKubelet(30, "served", (asked) =>
      withKubelet(30, undefined, async (read) => {
        const taken = { none: [], checkpoint: [], "pod-resources": [] } as Record<string, number[]>;
        for (let round = 0; round < rounds; round++)
          for (const [how, of] of Object.entries(taken)) {
            const [folder, strategy] = [
              how === "pod-resources" ? asked : read,
              how === "none" ? how : "topology",
            ];
            const start = performance.now();
            call("ADD", folder, strategy);
            of.push(performance.now() - start);
            call("DEL", folder, strategy);
          }
        for (const [how, of] of Object.entries(taken)) {
          const median = of.sort((a, b) => a - b)[of.length >> 1] ?? Number.NaN;
          console.log(`standalone ADD by ${how.padEnd(14)} median ${median.toFixed(1).padStart(7)} ms`);
        }
      }),
    );
  } finally {
    for (const name of [host, guest]) execFileSync("ip", ["netns", "del", name]);
    rmSync(state, { recursive: true });
  }
}

if (values.help) {
  console.log(usage);
} else if (values.serve !== undefined) {
  await serveKubelet(values.serve, { pods: podsOf(Number(values.pods)), get: values.get as GetOf });
  console.log("serving");
} else {
  await asking();
  if (values.bin !== undefined) await adding(values.bin);
}
