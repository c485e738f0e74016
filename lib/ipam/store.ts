import { CniError, ErrorCode } from "../cni/error.ts";
import type { Block } from "./blocks.ts";
import type { Database, Row } from "./database.ts";
import { allocate, defaultCoolDown, freeCount, releaseLeases } from "./lease.ts";
import { loadOf } from "./load.ts";
import { fromHex } from "./occupancy.ts";
import { openDatabase } from "./open-database.ts";
import type { ProcessId } from "./reclaim.ts";
import type {
  AttachmentKey,
  AttachmentRecord,
  AttachmentState,
  Lease,
  LeaseRequest,
  NewAttachment,
} from "./record.ts";
import { type Usage, usage } from "./usage.ts";

export interface StorePaths {
  /** The database's file. */
  readonly database: string;
}

export interface StoreReader {
  find(key: AttachmentKey): AttachmentRecord | undefined;
  /** Of one network, or of all; oldest first. */
  attachments(network?: string): AttachmentRecord[];
  /** In the order of their NICs, IPv4 before IPv6. */
  leasesOf(id: number): Lease[];
  /** How many addresses of the block an ADD could take now, those that cool down included. */
  freeCount(network: string, block: Block): bigint;
  /** How many attachments, of all networks, each link of the host is a master of, by its name. */
  load(): ReadonlyMap<string, number>;
  /** Of every network and family. */
  usage(): Usage[];
}

export interface StoreTx extends StoreReader {
  /** Throws CniError exists when there is a record of that key. */
  insert(attachment: NewAttachment): number;
  setPlan(id: number, plan: string): void;
  /** From "adding" to "ready". False where the attachment is no longer being added: something undoes it. */
  markReady(id: number): boolean;
  /** Tells whoever still adds it that it is being undone, and by which process. */
  markDeleting(id: number, by: ProcessId): void;
  /** As allocate of lease.ts; coolDown is in seconds. */
  allocate(id: number, requests: readonly LeaseRequest[], now: number, coolDown?: number): Lease[];
  /** Deletes the record; its addresses start to cool down. */
  release(id: number, now: number): void;
}

export interface Store extends Disposable {
  /** Runs fn in one transaction that no other writer can enter; undone when fn throws. */
  write<T>(fn: (tx: StoreTx) => T): T;
  /** Runs fn on one consistent state. */
  read<T>(fn: (tx: StoreReader) => T): T;
  close(): void;
}

/**
 * Opens the state database, making it when it is missing. Throws CniError io naming the file and a remedy when
 * it is damaged, of another version, or out of reach; it is never rebuilt.
 */
export function openStore(paths: StorePaths): Store {
  const { database: db, done } = openDatabase(paths.database);
  const tx = storeTx(db);
  return {
    write: (fn) => db.write(() => fn(tx)),
    read: (fn) => db.read(() => fn(tx)),
    close: done,
    [Symbol.dispose]: done,
  };
}

function storeTx(db: Database): StoreTx {
  return {
    find: (key) => find(db, key),
    attachments: (network) => attachments(db, network),
    leasesOf: (id) => leasesOf(db, id),
    freeCount: (network, block) => freeCount(db, networkId(db, network) ?? -1, block),
    load: () => loadOf(db),
    usage: () => usage(db),
    insert: (attachment) => insert(db, attachment),
    setPlan(id, plan) {
      db.run("UPDATE attachments SET plan = ? WHERE id = ?", plan, id);
    },
    markReady(id) {
      const sql = "UPDATE attachments SET state = 'ready' WHERE id = ? AND state = 'adding' RETURNING id";
      return db.get(sql, id) !== undefined;
    },
    markDeleting(id, { pid, pidStart }) {
      const sql = "UPDATE attachments SET state = 'deleting', pid = ?, pid_start = ? WHERE id = ?";
      db.run(sql, pid, pidStart, id);
    },
    allocate(id, requests, now, coolDown = defaultCoolDown) {
      const { network, record } = holder(db, id);
      return allocate(db, network, record, requests, now, coolDown);
    },
    release(id, now) {
      releaseLeases(db, id, now);
      db.run("DELETE FROM attachments WHERE id = ?", id);
    },
  };
}

const selectAttachments =
  "SELECT attachments.*, networks.name AS network_name FROM attachments " +
  "JOIN networks ON networks.id = attachments.network";

function find(db: Database, key: AttachmentKey): AttachmentRecord | undefined {
  const row = db.get(
    `${selectAttachments} WHERE networks.name = ? AND container_id = ? AND ifname = ?`,
    key.network,
    key.containerId,
    key.ifname,
  );
  return row === undefined ? undefined : toRecord(row);
}

function attachments(db: Database, network?: string): AttachmentRecord[] {
  const rows =
    network === undefined
      ? db.all(`${selectAttachments} ORDER BY attachments.id`)
      : db.all(`${selectAttachments} WHERE networks.name = ? ORDER BY attachments.id`, network);
  return rows.map(toRecord);
}

function holder(db: Database, id: number): { network: number; record: AttachmentRecord } {
  const row = db.get(`${selectAttachments} WHERE attachments.id = ?`, id);
  if (row === undefined) throw new Error(`no attachment ${id} in the state database`);
  return { network: Number(row.network), record: toRecord(row) };
}

function insert(db: Database, attachment: NewAttachment): number {
  const known = find(db, attachment);
  if (known !== undefined) {
    throw new CniError(
      ErrorCode.exists,
      `container "${known.containerId}" has interface "${known.ifname}" on network "${known.network}" already ` +
        `(made by ${known.owner}); DEL it first`,
    );
  }
  db.run("INSERT INTO networks (name) VALUES (?) ON CONFLICT DO NOTHING", attachment.network);
  return db.run(
    "INSERT INTO attachments (network, container_id, ifname, owner, netns, netns_id, state, pid, pid_start, " +
      "plan, created) VALUES ((SELECT id FROM networks WHERE name = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    attachment.network,
    attachment.containerId,
    attachment.ifname,
    attachment.owner,
    attachment.netns,
    attachment.netnsId,
    attachment.state,
    attachment.pid,
    attachment.pidStart,
    attachment.plan,
    attachment.created,
  );
}

function networkId(db: Database, name: string): number | undefined {
  const row = db.get("SELECT id FROM networks WHERE name = ?", name);
  return row === undefined ? undefined : Number(row.id);
}

function leasesOf(db: Database, id: number): Lease[] {
  return db
    .all("SELECT nic, family, address, prefix FROM leases WHERE attachment = ? ORDER BY nic, family", id)
    .map((row) => ({
      nic: Number(row.nic),
      address: { family: row.family === 4 ? 4 : 6, value: fromHex(row.address) },
      prefix: Number(row.prefix),
    }));
}

/** An unknown state is taken for an unfinished one, which is never served from and can be undone. */
function stateOf({ state }: Row): AttachmentState {
  return state === "ready" || state === "deleting" ? state : "adding";
}

function toRecord(row: Row): AttachmentRecord {
  return {
    id: Number(row.id),
    network: String(row.network_name),
    containerId: String(row.container_id),
    ifname: String(row.ifname),
    owner: String(row.owner),
    netns: String(row.netns),
    netnsId: String(row.netns_id),
    state: stateOf(row),
    pid: Number(row.pid),
    pidStart: String(row.pid_start),
    plan: String(row.plan),
    created: Number(row.created),
  };
}
