import { closeSync, constants, openSync, renameSync, statSync, writeSync } from "node:fs";
import { cutText } from "./cut-text.ts";

/** Best effort: a line that cannot be written is lost, and no verb fails for it. */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export const noLog: Log = { info() {}, error() {} };

/** A log that the next line would make larger than this is moved to `<path>.1`, over the one before it. */
const maxBytes = 10 * 1024 * 1024;

/** Characters of a text in a line. */
const mostText = 8192;
const cut = (_: string, value: unknown) => (typeof value === "string" ? cutText(value, mostText) : value);

/** libcni may hand down a trace in these (https://opentelemetry.io/docs/specs/otel/context/env-carriers/). */
const traceVariables = ["TRACEPARENT", "TRACESTATE", "BAGGAGE"] as const;

/** The trace context in an environment, as fields of a log line. */
export function traceOf(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const found = traceVariables.flatMap((name) => {
    const value = env[name];
    return value ? [[name.toLowerCase(), value]] : [];
  });
  return Object.fromEntries(found);
}

/**
 * A log of JSON lines in a file, each with `context`; the file is opened for each line and written to at once, so
 * that the lines of processes that run side by side stay whole. `limit` is in bytes.
 */
export function fileLog(path: string, context: Readonly<Record<string, unknown>>, limit = maxBytes): Log {
  const write = (level: string, message: string, fields: Readonly<Record<string, unknown>> = {}) => {
    try {
      const line = { time: timeText(new Date()), level, message, ...context, ...fields };
      append(path, Buffer.from(`${JSON.stringify(line, cut)}\n`), limit);
    } catch {
      // The log may never be why a pod cannot start or stop.
    }
  };
  return {
    info: (message, fields) => write("info", message, fields),
    error: (message, fields) => write("error", message, fields),
  };
}

/** "2026-01-31T09:05:00.007Z". As toISOString says it, which reads the host's time zone for it: 0.2 ms of every verb. */
export function timeText(date: Date): string {
  const two = (number: number) => String(number).padStart(2, "0");
  const day = `${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${day}T${time}.${String(date.getUTCMilliseconds()).padStart(3, "0")}Z`;
}

function append(path: string, line: Buffer, limit: number): void {
  rotate(path, limit - line.length);
  // O_NONBLOCK: a FIFO that nobody reads must not hold up a pod.
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
  const fd = openSync(path, flags, 0o640);
  try {
    writeSync(fd, line);
  } finally {
    closeSync(fd);
  }
}

function rotate(path: string, limit: number): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile() || stat.size <= limit) return;
  renameSync(path, `${path}.1`);
}
