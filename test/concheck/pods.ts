import { spawnSync } from "node:child_process";
import { linkKind, need } from "../live/kernel.ts";
import { ipBatch, makeNamespace, type Namespace } from "../live/namespaces.ts";

const iperf3 = need(
  "iperf3",
  spawnSync("iperf3", ["--version"]).status === 0,
  "there is no iperf3; apt-get install iperf3",
);
export const veth = [linkKind("veth"), linkKind("bridge"), iperf3];

/** Pods on a switch of their own for each NIC: 10.<nic>.<pod / 200>.<pod % 200 + 1>/16, and fd0<nic>::<pod + 1>/64. */
export function makePods(count: number, nics: number, stack: DisposableStack): Namespace[] {
  const fabric = stack.use(makeNamespace("fabric"));
  const rails = Array.from({ length: nics }, (_, nic) => nic);
  ipBatch(
    fabric,
    rails.flatMap((nic) => [`link add rail${nic} type bridge mcast_snooping 0`, `link set rail${nic} up`]),
  );
  return Array.from({ length: count }, (_, place) => {
    const pod = stack.use(makeNamespace(`pod${place}`));
    ipBatch(
      fabric,
      rails.flatMap((nic) => [
        `link add p${place}n${nic} type veth peer name net${nic} netns ${pod.name}`,
        `link set p${place}n${nic} master rail${nic} up`,
      ]),
    );
    ipBatch(
      pod,
      rails.flatMap((nic) => [
        `addr add 10.${nic}.${Math.floor(place / 200)}.${(place % 200) + 1}/16 dev net${nic}`,
        `addr add fd0${nic}::${place + 1}/64 dev net${nic} nodad`,
        `link set net${nic} up`,
      ]),
    );
    return pod;
  });
}
