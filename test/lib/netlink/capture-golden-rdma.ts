/**
 * Prints golden-rdma.json anew: what iproute2's rdma sends, where there is an RDMA device, rxe0, and the namespace mode is
 * exclusive. `scripts/test-kernel/qemu/run.sh -n 1 -- node test/lib/netlink/capture-golden-rdma.ts`
 */
import { execFileSync } from "node:child_process";
import { makeNamespace } from "../../live/namespaces.ts";
import { captured } from "./captured.ts";

/** The commands, and which of the messages is meant: before the last one, rdma looks the device up in a list. */
const commands: Readonly<Record<string, 0 | -1>> = {
  "rdma system show": -1,
  "rdma dev show": 0,
  "rdma dev set rxe0 netns POD": -1,
  "rdma dev set rxe0 name rxe1": -1,
};

const run = (words: string) => execFileSync("sh", ["-c", words], { stdio: ["ignore", "ignore", "inherit"] });
run("/run/test-kernel/modprobe rdma_rxe && rdma system set netns exclusive && ip link set eth0 up");
run("rdma link add rxe0 type rxe netdev eth0");
using pod = makeNamespace("goldpod");
const rows = Object.entries(commands).map(([command, which]) => ({
  command,
  hex: captured([], command.replace("POD", pod.name), "all").at(which),
}));
process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
