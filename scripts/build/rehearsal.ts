import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "./project.ts";

interface Call {
  readonly plugin: string;
  readonly command: string;
  /** On stdin. */
  readonly conf: object;
  readonly exitCode: 0 | 1;
}

export interface Stage {
  /** What runs scripts/build/rehearse.mjs: a Node, with its flags, and QEMU before it where it takes one. */
  readonly command: readonly [string, ...(readonly string[])];
  /** The addon netns.node of that Node's architecture. */
  readonly netnsAddon: string;
  /** A folder for the state, which need not be there. */
  readonly state: string;
}

const ipam = { type: "multi-nic-ipam", hostBlock: 6, interfaceBlock: 2, hostIndex: 1 };
const macvlan = {
  cniVersion: "1.1.0",
  name: "macvlan",
  type: "multi-nic",
  plugin: { type: "macvlan" },
  masters: ["eth1"],
  subnet: "192.168.0.0/16",
  ipam,
};
const ipvlan = {
  ...macvlan,
  cniVersion: "0.4.0",
  name: "ipvlan",
  plugin: { type: "ipvlan", mode: "l2", mtu: 1400 },
  masters: ["eth1", "eth2"],
  sourceRouting: true,
  ipam: {
    ...ipam,
    excludeCIDRs: ["192.168.0.0/28"],
    gateway: ["192.168.64.1"],
    routes: [{ dst: "10.0.0.0/8" }],
  },
};

const calls = (plugin: string, conf: object, ...commands: readonly string[]): Call[] =>
  commands.map((command) => ({ plugin, command, conf, exitCode: 0 }));

/** What runtimes call all day. What comes up in no call is compiled when it is needed, some 0.1 ms a function. */
const rehearsed: readonly Call[] = [
  ...calls("multi-nic", macvlan, "VERSION", "ADD", "STATUS", "DEL"),
  ...calls("multi-nic", ipvlan, "ADD", "DEL"),
  ...calls("multi-nic-ipam", macvlan, "ADD", "STATUS", "DEL"),
  ...calls("infra-dpu-cni", macvlan, "STATUS", "DEL"),
  { plugin: "infra-dpu-cni", command: "ADD", conf: macvlan, exitCode: 1 },
];

/** Makes the caches of the scripts that the calls load. `files` are pairs: a script, and the cache that it gets. */
export function rehearse(stage: Stage, files: readonly string[]): void {
  const [program, ...before] = stage.command;
  const script = join(root, "scripts/build/rehearse.mjs");
  for (const call of rehearsed) {
    const args = [...before, script, call.plugin, stage.netnsAddon, ...files];
    const input = JSON.stringify(call.conf);
    const { error, status, stdout, stderr } = spawnSync(program, args, {
      env: environment(call, stage),
      input,
      encoding: "utf8",
    });
    if (error !== undefined) throw error;
    if (status === call.exitCode) continue;
    throw new Error(`the rehearsal of ${call.plugin} ${call.command} failed: ${stdout}${stderr}`);
  }
}

function environment({ command }: Call, { state }: Stage): Record<string, string> {
  return {
    CNI_COMMAND: command,
    CNI_CONTAINERID: "rehearsal",
    CNI_IFNAME: "net1",
    // A file of the kind that a network namespace is, and not this process's own.
    CNI_NETNS: "/proc/self/ns/uts",
    CNI_PATH: "/opt/cni/bin",
    MULTI_NIC_CNI_STATE_DIR: state,
    MULTI_NIC_CNI_LOG_FILE: join(state, "log"),
  };
}
