import type { Invocation } from "../../../lib/cni/invocation.ts";
import type { JsonObject } from "../../../lib/cni/json.ts";
import { noLog } from "../../../lib/cni/log.ts";

/** An ADD of container c1, interface net1, of network n1; its configuration is completed with what each must have. */
export function invocationOf(conf: JsonObject, more: Partial<Invocation> = {}): Invocation {
  return {
    command: "ADD",
    cniVersion: "1.1.0",
    network: "n1",
    containerId: "c1",
    netns: "/run/netns/pod",
    ifname: "net1",
    args: new Map(),
    path: [],
    conf: { cniVersion: "1.1.0", name: "n1", type: "multi-nic", plugin: { type: "ipvlan" }, ...conf },
    env: {},
    log: noLog,
    ...more,
  };
}
