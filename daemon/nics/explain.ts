import { existsSync, readFileSync } from "node:fs";
import { networkOf, parseJsonObject, versionIn } from "../../lib/cni/conf.ts";
import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import { noLog } from "../../lib/cni/log.ts";
import { readNodeFile } from "../../lib/ipam/node-file.ts";
import { openStore } from "../../lib/ipam/store.ts";
import type { Netns } from "../../lib/linux/netns.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import type { PodNames } from "../../lib/nic/facts/pod-device.ts";
import { addressFor } from "../../plugins/multi-nic/choose.ts";
import { parseMultiNicConf } from "../../plugins/multi-nic/conf.ts";
import { type RuledOffer, ruleByPolicy } from "../../plugins/multi-nic/policy.ts";

export interface Explained extends RuledOffer {
  readonly network: string;
  readonly strategy: string;
}

interface Question {
  /** Path of a network configuration; "-" is stdin */
  readonly file: string;
  /** All "": none is named */
  readonly pod: PodNames;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * What ADD would choose for a pod, and why; nothing is attached. A network without a policy is explained as "none", though
 * its ADD takes the network's order and refuses a named NIC that is down.
 * @throws CniError where the configuration, the class file, the checkpoint … are not what they must be
 */
export async function explain({ file, pod, env }: Question, host: Netns, sys: string): Promise<Explained> {
  const conf = parseJsonObject(textOf(file));
  const network = networkOf(conf);
  const named = Object.values(pod).some((name) => name !== "");
  const invocation: Invocation = {
    // With no pod named there are no GPUs to go by, as in STATUS.
    command: named ? "ADD" : "STATUS",
    cniVersion: versionIn(conf),
    network,
    containerId: "",
    netns: "",
    ifname: "",
    args: new Map([
      ["K8S_POD_UID", pod.uid],
      ["K8S_POD_NAMESPACE", pod.namespace],
      ["K8S_POD_NAME", pod.name],
    ]),
    path: [],
    conf,
    env,
    log: noLog,
  };
  const parsed = parseMultiNicConf(invocation);
  const paths = statePaths(env);
  const nodeFile = readNodeFile(paths, network);
  const policy = parsed.policy ?? { strategy: "none", className: undefined, target: undefined };
  const ruled = await ruleByPolicy({
    policy,
    offer: { masters: parsed.masters, masterNets: parsed.masterNets, nodeMasters: nodeFile?.masters },
    choice: parsed.choice,
    addressFor: addressFor(parsed),
    invocation,
    view: { netlink: host.netlink, sys },
    load: loadIn(paths.database),
  });
  return { ...ruled, network, strategy: policy.strategy };
}

/** Of a node that has attached nothing yet, no store is made. */
function loadIn(database: string): ReadonlyMap<string, number> {
  if (!existsSync(database)) return new Map();
  using store = openStore({ database });
  return store.read((tx) => tx.load());
}

function textOf(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown";
    throw new CniError(
      ErrorCode.io,
      `--explain: "${file}" cannot be read (${code}); name a file with a network configuration`,
      {
        cause,
      },
    );
  }
}
