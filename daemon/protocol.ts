import type { Outcome } from "../lib/cni/execute.ts";

/**
 * What a request begins with, and what the daemon says once it has taken one: the protocol's name and version. A client
 * of another version is not answered, and serves its call itself (docs/adr/0011-thin-client.md).
 */
export const magic = "MNC1";

/** Bytes; the thin client sends no larger ones. */
export const mostRequest = 192 * 1024;

/** A call as the thin client hands it over (native/client/client.c). */
export interface Call {
  /** The name it was started by */
  readonly plugin: string;
  /** "dev:ino" of the namespace that the client is in, and of what CNI_NETNS leads to for it ("": nothing) */
  readonly hostNetns: string;
  readonly podNetns: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
}

export type Reading =
  | { readonly state: "partial" }
  | { readonly state: "refused"; readonly reason: string }
  | { readonly state: "whole"; readonly call: Call };

const headerSize = 8;

/** What is known of a request by the bytes that have come: the magic, a u32le size, then as many bytes. */
export function readRequest(bytes: Buffer): Reading {
  const start = bytes.toString("latin1", 0, Math.min(bytes.length, magic.length));
  if (!magic.startsWith(start)) return refused("not the protocol this daemon speaks");
  if (bytes.length < headerSize) return { state: "partial" };
  const size = bytes.readUInt32LE(magic.length);
  if (headerSize + size > mostRequest) return refused("too large");
  if (bytes.length < headerSize + size) return { state: "partial" };
  if (bytes.length > headerSize + size) return refused("more than one request");
  const call = readCall(bytes.subarray(headerSize));
  return call === undefined ? refused("malformed") : { state: "whole", call };
}

const refused = (reason: string): Reading => ({ state: "refused", reason });

/** Texts, each ended by a NUL: name, two namespaces, the environment, an empty one. The rest is stdin. */
function readCall(bytes: Buffer): Call | undefined {
  const texts: string[] = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf(0, at);
    if (end === -1) return undefined;
    // The namespaces, second and third, may be empty.
    if (end === at && texts.length >= 3) break;
    texts.push(bytes.toString("utf8", at, end));
    at = end + 1;
  }
  const [plugin = "", hostNetns = "", podNetns = "", ...variables] = texts;
  return { plugin, hostNetns, podNetns, env: envOf(variables), stdin: bytes.toString("utf8", at + 1) };
}

/** Of two of one name the first counts, as for getenv(3). */
function envOf(variables: readonly string[]): Record<string, string> {
  const env: Record<string, string> = Object.create(null);
  for (const variable of variables) {
    const equals = variable.indexOf("=");
    if (equals < 1) continue;
    env[variable.slice(0, equals)] ??= variable.slice(equals + 1);
  }
  return env;
}

/** The answer: exit code, sizes of stdout and stderr, each a u32le, and the two texts. */
export function answerBytes({ exitCode, stdout, stderr }: Outcome): Buffer {
  const texts = [Buffer.from(stdout), Buffer.from(stderr)];
  const header = Buffer.alloc(12);
  [exitCode, ...texts.map((text) => text.length)].forEach((number, i) => {
    header.writeUInt32LE(number, i * 4);
  });
  return Buffer.concat([header, ...texts]);
}
