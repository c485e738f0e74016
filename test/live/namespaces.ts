import { execFileSync } from "node:child_process";

/** A network namespace of a test's own, deleted with all its links when the test lets go of it. */
export interface Namespace extends Disposable {
  readonly name: string;
  /** "/run/netns/<name>" */
  readonly path: string;
  /** `ip` in the namespace; words are split at blanks. Gives stdout. */
  ip(words: string): string;
  /** `ip -j` in the namespace, parsed. */
  ipJson<T = readonly Record<string, unknown>[]>(words: string): T;
  /** A command in the namespace. Gives stdout. */
  exec(command: string, ...args: readonly string[]): string;
}

let count = 0;

/** A new namespace with loopback up. The name is only a part of its own, for whom a test left one behind. */
export function makeNamespace(name: string): Namespace {
  const namespace = named(name, (unique) => ["add", unique]);
  try {
    namespace.ip("link set lo up");
  } catch (error) {
    namespace[Symbol.dispose]();
    throw error;
  }
  return namespace;
}

/** The namespace that the test runs in, under a name. For a kernel of a test's own: nobody else is to be in it. */
export const nameOwnNamespace = (): Namespace =>
  named("own", (unique) => ["attach", unique, String(process.pid)]);

function named(name: string, words: (unique: string) => string[]): Namespace {
  count += 1;
  const unique = `mnc-${name}-${process.pid}-${count}`;
  run("ip", ["netns", ...words(unique)]);
  const ip = (words: string) => run("ip", ["-n", unique, ...split(words)]);
  return {
    name: unique,
    path: `/run/netns/${unique}`,
    ip,
    ipJson: (words) => JSON.parse(ip(`-j ${words}`) || "[]"),
    exec: (command, ...args) => run("ip", ["netns", "exec", unique, command, ...args]),
    [Symbol.dispose]: () => {
      run("ip", ["netns", "del", unique]);
    },
  };
}

/** A veth pair, both ends up: `name` in one namespace, `peer` in the other. */
export function makeVeth(a: Namespace, name: string, b: Namespace, peer: string): void {
  a.ip(`link add ${name} type veth peer name ${peer} netns ${b.name}`);
  a.ip(`link set ${name} up`);
  b.ip(`link set ${peer} up`);
}

/** Several `ip` commands in a namespace that makeNamespace made, by one process. */
export function ipBatch({ name }: Namespace, lines: readonly string[]): void {
  run("ip", ["-n", name, "-batch", "-"], lines.join("\n"));
}

/** Veth masters in the host, up; their other ends are in the fabric. */
export function makeMasters(host: Namespace, fabric: Namespace, names: readonly string[]): void {
  ipBatch(
    host,
    names.flatMap((name) => [
      `link add ${name} type veth peer name ${name} netns ${fabric.name}`,
      `link set ${name} up`,
    ]),
  );
  ipBatch(
    fabric,
    names.map((name) => `link set ${name} up`),
  );
}

/** Why tests on the kernel cannot run here; undefined where they can. For `describe.skipIf`. */
export function whyNoNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root: network namespaces are made";
  try {
    run("ip", ["-V"]);
    return undefined;
  } catch {
    return "needs ip: apt-get install iproute2";
  }
}

function split(words: string): string[] {
  return words.split(/\s+/).filter((word) => word !== "");
}

function run(command: string, args: readonly string[], input = ""): string {
  return execFileSync(command, args, { encoding: "utf8", input, stdio: ["pipe", "pipe", "pipe"] });
}
