/** PRAGMA application_id of our databases: "mnic" in ASCII. */
export const applicationId = 0x6d6e6963;
/** PRAGMA user_version: raised with every change of the tables below. */
export const schemaVersion = 1;

/**
 * The tables. Addresses are hexadecimal text of fixed width (8 digits for IPv4, 32 for IPv6), since SQLite's
 * integers end at 64 bits, and text of one width sorts as the numbers do. `runs` is the union of `leases` and
 * `cooling` as maximal intervals: it is what lets the allocator jump over any number of leases at once. The id
 * of an attachment is never used again, so that who holds one cannot take a later attachment for its own.
 */
export const schema = `
CREATE TABLE networks (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE attachments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  network INTEGER NOT NULL REFERENCES networks,
  container_id TEXT NOT NULL,
  ifname TEXT NOT NULL,
  owner TEXT NOT NULL,
  netns TEXT NOT NULL,
  netns_id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('adding', 'ready', 'deleting')),
  pid INTEGER NOT NULL,
  pid_start TEXT NOT NULL,
  plan TEXT NOT NULL,
  created INTEGER NOT NULL,
  UNIQUE (network, container_id, ifname)
) STRICT;
CREATE TABLE leases (
  network INTEGER NOT NULL REFERENCES networks,
  family INTEGER NOT NULL CHECK (family IN (4, 6)),
  address TEXT NOT NULL,
  prefix INTEGER NOT NULL,
  attachment INTEGER NOT NULL REFERENCES attachments,
  nic INTEGER NOT NULL,
  PRIMARY KEY (network, family, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX leases_of_attachment ON leases (attachment);
CREATE TABLE cooling (
  network INTEGER NOT NULL REFERENCES networks,
  family INTEGER NOT NULL CHECK (family IN (4, 6)),
  address TEXT NOT NULL,
  released_at INTEGER NOT NULL,
  PRIMARY KEY (network, family, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX cooling_by_age ON cooling (network, released_at);
CREATE TABLE runs (
  network INTEGER NOT NULL REFERENCES networks,
  family INTEGER NOT NULL CHECK (family IN (4, 6)),
  first TEXT NOT NULL,
  last TEXT NOT NULL,
  PRIMARY KEY (network, family, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE cursors (
  network INTEGER NOT NULL REFERENCES networks,
  family INTEGER NOT NULL CHECK (family IN (4, 6)),
  block TEXT NOT NULL,
  address TEXT NOT NULL,
  PRIMARY KEY (network, family, block)
) STRICT, WITHOUT ROWID;
PRAGMA application_id = ${applicationId};
PRAGMA user_version = ${schemaVersion};
`;
