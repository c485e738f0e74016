/**
 * Prints golden.json anew: what iproute2 sends for each command of golden-commands.ts, as strace sees it. Root; needs
 * strace and iproute2. `node test/lib/netlink/capture-golden.ts > test/lib/netlink/golden.json`
 */
import { spawnSync } from "node:child_process";
import { makeNamespace } from "../../live/namespaces.ts";
import { goldenCommands } from "./golden-commands.ts";

/** The bytes of the last send: before it, ip asks for indexes and for what the kernel can do. */
function captured(namespace: string, words: string): string {
  const strace = ["strace", "-e", "trace=sendmsg,sendto", "-e", "write=3", "-e", "signal=none"];
  const { stderr } = spawnSync("ip", ["netns", "exec", namespace, ...strace, "ip", ...words.split(" ")], {
    encoding: "utf8",
  });
  // A line a call, then its bytes: ` | 00000  34 00 00 00 10 00 05 06  27 43 00 6b 00 00 00 00  4.......'C.k.... |`
  let hex = "";
  for (const line of stderr.split("\n")) {
    if (/^send(msg|to)\(3,/.test(line)) hex = "";
    const bytes = /^ \| [0-9a-f]{5} {2}(.{23} {2}.{23}|.{1,48}) /.exec(line)?.[1];
    if (bytes !== undefined) hex += bytes.replaceAll(" ", "");
  }
  return hex;
}

/** What nlmsg_len says is the message, for ip may send more of its buffer; without nlmsg_seq, which is the time. */
function oneMessage(hex: string): string {
  const bytes = Buffer.from(hex, "hex");
  bytes.writeUInt32LE(0, 8);
  return bytes.subarray(0, bytes.readUInt32LE(0)).toString("hex");
}

function row(words: string): { command: string; hex: string } {
  using host = makeNamespace("gold");
  using pod = makeNamespace("goldpod");
  host.ip("link add veth0 index 100 type veth peer name veth1 index 101");
  for (const name of ["veth0", "veth1"]) host.ip(`link set ${name} up`);
  return { command: `ip ${words}`, hex: oneMessage(captured(host.name, words.replace("POD", pod.name))) };
}

process.stdout.write(`${JSON.stringify(goldenCommands.map(row), undefined, 2)}\n`);
