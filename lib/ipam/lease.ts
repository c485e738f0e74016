import { CniError, ErrorCode } from "../cni/error.ts";
import type { IpAddress } from "../net/address.ts";
import { formatAddress, formatCidr } from "../net/address.ts";
import { isAssignable, nextFree } from "./allocator.ts";
import type { Block } from "./blocks.ts";
import type { Database, Row } from "./database.ts";
import type { Scope } from "./occupancy.ts";
import { fromHex, occupied, occupy, toHex, vacate } from "./occupancy.ts";
import { gapsBetween, sizeOf } from "./range.ts";
import type { AttachmentRecord, Lease, LeaseRequest } from "./record.ts";

/** How long a released address is kept back while others are free, in seconds. */
export const defaultCoolDown = 60;

/**
 * Cooled addresses set free for each request. More than the one that a request can occupy, so that the
 * backlog shrinks; bounded, so that no ADD pays for a thousand pods that were deleted at once.
 */
const expiredPerRequest = 4;

/**
 * Leases an address for each request, in the requests' order, and none when one fails. Throws CniError
 * poolExhausted, addressTaken (naming the holder), or invalidConfig (outside, reserved or excluded).
 */
export function allocate(
  db: Database,
  network: number,
  holder: AttachmentRecord,
  requests: readonly LeaseRequest[],
  now: number,
  coolDown: number,
): Lease[] {
  expireCooling(db, network, now - coolDown * 1000, requests.length * expiredPerRequest);
  const leases = new Map<LeaseRequest, Lease>();
  // Requested addresses go first: another request of the same call must not take them.
  const ordered = [...requests].sort(
    (a, b) => Number(b.requested !== undefined) - Number(a.requested !== undefined),
  );
  for (const request of ordered) leases.set(request, leaseOne(db, network, holder, request));
  return requests.flatMap((request) => leases.get(request) ?? []);
}

function leaseOne(db: Database, network: number, holder: AttachmentRecord, request: LeaseRequest): Lease {
  const { block, nic, requested } = request;
  const scope: Scope = { db, network, family: block.family };
  const value =
    requested === undefined
      ? chooseAddress(scope, block, holder.network)
      : checkRequested(scope, block, requested, holder.network);
  const address: IpAddress = { family: block.family, value };
  const hex = toHex(block.family, value);
  if (occupied(scope).runContaining(value) === undefined) occupy(scope, value);
  else
    db.run(
      "DELETE FROM cooling WHERE network = ? AND family = ? AND address = ?",
      network,
      block.family,
      hex,
    );
  db.run(
    "INSERT INTO leases (network, family, address, prefix, attachment, nic) VALUES (?, ?, ?, ?, ?, ?)",
    network,
    block.family,
    hex,
    block.prefix,
    holder.id,
    nic,
  );
  return { nic, address, prefix: block.prefix };
}

/** The next free address after the block's last one; when none is free, the one that cools down longest. */
function chooseAddress(scope: Scope, block: Block, networkName: string): bigint {
  const { db, network, family } = scope;
  const key = `${toHex(family, block.first)}-${toHex(family, block.last)}`;
  const row = db.get(
    "SELECT address FROM cursors WHERE network = ? AND family = ? AND block = ?",
    network,
    family,
    key,
  );
  const cursor = row === undefined ? undefined : fromHex(row.address);
  const address = nextFree(block, cursor, occupied(scope)) ?? longestCooling(scope, block);
  if (address === undefined) {
    throw new CniError(
      ErrorCode.poolExhausted,
      `no free address in ${formatCidr(block.pod)} (network "${networkName}", interface ` +
        `${block.interfaceIndex}): all ${assignableCount(block)} are leased; delete pods of this node that hold ` +
        "them, or give the network a larger subnet, a smaller hostBlock or fewer excludeCIDRs",
    );
  }
  db.run(
    "INSERT INTO cursors (network, family, block, address) VALUES (?, ?, ?, ?) " +
      "ON CONFLICT DO UPDATE SET address = excluded.address",
    network,
    family,
    key,
    toHex(family, address),
  );
  return address;
}

function longestCooling({ db, network, family }: Scope, block: Block): bigint | undefined {
  // The excludes may be newer than the release, so the oldest need not be one to hand out.
  return db
    .all(
      "SELECT address FROM cooling WHERE network = ? AND family = ? AND address BETWEEN ? AND ? " +
        "ORDER BY released_at, address",
      network,
      family,
      toHex(family, block.first),
      toHex(family, block.last),
    )
    .map((row) => fromHex(row.address))
    .find((address) => isAssignable(block, address));
}

/** A requested address may cool down still: whoever names an address knows why. */
function checkRequested(scope: Scope, block: Block, requested: IpAddress, networkName: string): bigint {
  const text = formatAddress(requested);
  const pod = formatCidr(block.pod);
  const { value } = requested;
  if (requested.family !== block.family || value < block.first - 1n || value > block.last + 1n) {
    throw new CniError(
      ErrorCode.invalidConfig,
      `requested address "${text}" is outside ${pod}, the block of interface ${block.interfaceIndex}; ` +
        `request one from ${spanOf(block)}`,
    );
  }
  if (!isAssignable(block, value)) {
    const reserved = value < block.first || value > block.last;
    throw new CniError(
      ErrorCode.invalidConfig,
      `requested address "${text}" is ${reserved ? `reserved in ${pod}` : "in ipam.excludeCIDRs"}; ` +
        `request another from ${spanOf(block)}`,
    );
  }
  const holder = holderOf(scope, value);
  if (holder !== undefined) {
    throw new CniError(
      ErrorCode.addressTaken,
      `requested address "${text}" of network "${networkName}" is held by container "${holder.container_id}", ` +
        `interface "${holder.ifname}"; request another, or delete that pod`,
    );
  }
  return value;
}

function holderOf({ db, network, family }: Scope, address: bigint): Row | undefined {
  return db.get(
    "SELECT container_id, ifname FROM leases JOIN attachments ON attachments.id = leases.attachment " +
      "WHERE leases.network = ? AND family = ? AND address = ?",
    network,
    family,
    toHex(family, address),
  );
}

/** Moves the leases of an attachment to `cooling`; the runs stay as they are. */
export function releaseLeases(db: Database, attachment: number, now: number): void {
  db.run(
    "INSERT INTO cooling (network, family, address, released_at) " +
      "SELECT network, family, address, ? FROM leases WHERE attachment = ?",
    now,
    attachment,
  );
  db.run("DELETE FROM leases WHERE attachment = ?", attachment);
}

function expireCooling(db: Database, network: number, releasedUntil: number, limit: number): void {
  const rows = db.all(
    "SELECT family, address FROM cooling WHERE network = ? AND released_at <= ? ORDER BY released_at LIMIT ?",
    network,
    releasedUntil,
    limit,
  );
  for (const row of rows) {
    const family = row.family === 4 ? 4 : 6;
    db.run(
      "DELETE FROM cooling WHERE network = ? AND family = ? AND address = ?",
      network,
      family,
      String(row.address),
    );
    vacate({ db, network, family }, fromHex(row.address));
  }
}

/** How many addresses of the block an ADD could take now, those that cool down included. */
export function freeCount(db: Database, network: number, block: Block): bigint {
  const { family } = block;
  const leased = gapsBetween(block.excludes, block).map((gap) =>
    db.get(
      "SELECT count(*) AS n FROM leases WHERE network = ? AND family = ? AND address BETWEEN ? AND ?",
      network,
      family,
      toHex(family, gap.first),
      toHex(family, gap.last),
    ),
  );
  return leased.reduce((free, row) => free - BigInt(Number(row?.n ?? 0)), assignableCount(block));
}

function assignableCount(block: Block): bigint {
  return block.last - block.first + 1n - sizeOf(block.excludes);
}

function spanOf({ family, first, last }: Block): string {
  return `${formatAddress({ family, value: first })} to ${formatAddress({ family, value: last })}`;
}
