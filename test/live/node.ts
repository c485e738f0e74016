import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { startDaemon } from "./daemon.ts";
import { ipBatch, makeMasters, makeNamespace, type Namespace, nameOwnNamespace } from "./namespaces.ts";
import { strayCalls } from "./served.ts";

/** A node of a test's own: a namespace with veth masters, and a state folder. */
export interface Node extends Disposable {
  readonly host: Namespace;
  readonly masters: readonly string[];
  readonly stateDir: string;
  readonly logFile: string;
  /** For every call of an executable on this node. */
  readonly env: Readonly<Record<string, string>>;
  /** Words before every executable on this node: what brings it into a mount namespace of its own */
  readonly before?: readonly string[];
}

/** Whether every node of a test has a multi-nicd that has to serve its calls, which the conformance suite is run with too. */
const withDaemon = process.env.MULTI_NIC_CNI_DAEMON === "1";

/** How many masters a node has: eth1 … eth8. */
const all = ["eth1", "eth2", "eth3", "eth4", "eth5", "eth6", "eth7", "eth8"] as const;

/** The address of a master: the NIC's number in the network, the host's in the address. */
export const masterAddress = (nic: number, host = 1): string => `10.${nic}.0.${host}`;

/** A node whose masters are up and have addresses; their other ends are in a namespace that stands for the fabric. */
export function makeNode(count = 2): Node {
  const host = makeNamespace("host");
  const fabric = makeNamespace("fabric");
  const masters = all.slice(0, count);
  makeMasters(host, fabric, masters);
  return nodeOf(host, masters, [fabric]);
}

/** The machine itself as a node, in a kernel of the test's own. */
export const makeHostNode = (): Node => nodeOf(nameOwnNamespace(), [], []);

/** Two nodes whose masters are cabled to each other. */
export function makeTwoNodes(count = 2): [Node, Node] {
  const [a, b] = [makeNamespace("host-a"), makeNamespace("host-b")];
  const masters = all.slice(0, count);
  makeMasters(a, b, masters);
  return [nodeOf(a, masters, []), nodeOf(b, masters, [], 2)];
}

function nodeOf(host: Namespace, masters: readonly string[], others: readonly Namespace[], number = 1): Node {
  ipBatch(
    host,
    masters.flatMap((name, i) => [
      `addr add ${masterAddress(i + 1, number)}/24 dev ${name}`,
      `addr add fd0${i + 1}::${number}/64 dev ${name} nodad`,
    ]),
  );
  const folder = mkdtempSync(join(tmpdir(), "multi-nic-cni-live-"));
  const stateDir = join(folder, "state");
  const logFile = join(folder, "log");
  const daemon = withDaemon ? startDaemon(host.name, stateDir) : undefined;
  return {
    host,
    masters,
    stateDir,
    logFile,
    env: { MULTI_NIC_CNI_STATE_DIR: stateDir, MULTI_NIC_CNI_LOG_FILE: logFile },
    [Symbol.dispose]: () => {
      const { exitCode = null, signalCode = null } = daemon?.process ?? {};
      const stray = daemon && strayCalls(daemon, logFile);
      daemon?.[Symbol.dispose]();
      for (const namespace of [host, ...others]) namespace[Symbol.dispose]();
      rmSync(folder, { recursive: true });
      if (exitCode !== null || signalCode !== null)
        throw new Error(`multi-nicd ended during the test: ${exitCode ?? signalCode}`);
      if (stray !== undefined) throw new Error(stray);
    },
  };
}

/** Writes the node file of a network. */
export function writeNodeFile(node: Node, network: string, content: unknown): void {
  mkdirSync(join(node.stateDir, "networks"), { recursive: true, mode: 0o700 });
  writeFileSync(join(node.stateDir, "networks", `${network}.json`), JSON.stringify(content));
}

/** ms for whoever holds a lock to let it go: one that was killed is not gone at once. */
const lockTimeout = 10_000;

/** The store, read past the product's own code. */
export function storeOf({ stateDir }: Node): { attachments: readonly string[]; leases: readonly string[] } {
  const file = join(stateDir, "state.db");
  if (!existsSync(file)) return { attachments: [], leases: [] };
  const db = new DatabaseSync(file, { readOnly: true, timeout: lockTimeout });
  try {
    const texts = (sql: string) =>
      db
        .prepare(sql)
        .all()
        .map((row) => String(row.text));
    return {
      attachments: texts("SELECT container_id || ' ' || ifname AS text FROM attachments ORDER BY id"),
      leases: texts("SELECT family || ' ' || address AS text FROM leases ORDER BY 1"),
    };
  } finally {
    db.close();
  }
}

export const emptyStore = { attachments: [], leases: [] };

/** Changes the store behind the product's back. */
export function tamperStore({ stateDir }: Node, sql: string): void {
  const db = new DatabaseSync(join(stateDir, "state.db"), { timeout: lockTimeout });
  try {
    db.exec(sql);
  } finally {
    db.close();
  }
}
