/**
 * Prints golden.json anew: what iproute2 sends for each command of golden-commands.ts, as strace sees it. Root; needs
 * strace and iproute2. `node test/lib/netlink/capture-golden.ts > test/lib/netlink/golden.json`
 */
import { makeNamespace } from "../../live/namespaces.ts";
import { captured } from "./captured.ts";
import { goldenCommands } from "./golden-commands.ts";

function row(words: string): { command: string; hex: string } {
  using host = makeNamespace("gold");
  using pod = makeNamespace("goldpod");
  host.ip("link add veth0 index 100 type veth peer name veth1 index 101");
  for (const name of ["veth0", "veth1"]) host.ip(`link set ${name} up`);
  // Before the last one, ip asks for indexes and for what the kernel can do; to show, it asks by another socket.
  const sent = captured(["ip", "netns", "exec", host.name], `ip ${words.replace("POD", pod.name)}`, 3);
  return { command: `ip ${words}`, hex: sent.at(-1) ?? "" };
}

process.stdout.write(`${JSON.stringify(goldenCommands.map(row), undefined, 2)}\n`);
