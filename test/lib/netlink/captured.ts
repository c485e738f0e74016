import { spawnSync } from "node:child_process";

/**
 * The messages that a command sends by a descriptor, or by any ("all"), in hex, as strace sees it. `within` is what strace
 * is started by.
 */
export function captured(within: readonly string[], command: string, descriptor: number | "all"): string[] {
  const strace = ["strace", "-e", "trace=sendmsg,sendto", "-e", `write=${descriptor}`, "-e", "signal=none"];
  const [program = "", ...args] = [...within, ...strace, ...command.split(" ")];
  const { stderr } = spawnSync(program, args, { encoding: "utf8" });
  // A line a call, then its bytes: ` | 00000  34 00 00 00 10 00 05 06  27 43 00 6b 00 00 00 00  4.......'C.k.... |`
  const sent: string[] = [];
  for (const line of stderr.split("\n")) {
    if (/^send(msg|to)\(\d/.test(line)) sent.push("");
    const bytes = /^ \| [0-9a-f]{5} {2}(.{23} {2}.{23}|.{1,48}) /.exec(line)?.[1];
    if (bytes !== undefined) sent.push((sent.pop() ?? "") + bytes.replaceAll(" ", ""));
  }
  return sent.filter((hex) => hex !== "").map(oneMessage);
}

/** What nlmsg_len says is the message, for ip may send more of its buffer; without nlmsg_seq, which is the time. */
function oneMessage(hex: string): string {
  const bytes = Buffer.from(hex, "hex");
  bytes.writeUInt32LE(0, 8);
  return bytes.subarray(0, bytes.readUInt32LE(0)).toString("hex");
}
