import { timeText } from "../lib/cni/log.ts";

/** Says what the daemon itself does, as a JSON line on stderr, where systemd and kubelet look. Calls have their own log. */
export function say(
  level: "info" | "error",
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
): void {
  const line = { time: timeText(new Date()), level, message, pid: process.pid, ...fields };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}
