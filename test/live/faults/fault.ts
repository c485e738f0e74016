import type { Call } from "./trace.ts";

/** What happens to one call of an executable. */
export interface Fault {
  readonly call: Call;
  /** "KILL": the process ends there. Else the errno that the call gets in place of being carried out. */
  readonly what: string;
  /** To all later calls of that name as well. */
  readonly onward?: boolean;
}

/** What each call can meet in the field: no memory or buffers, a security policy, a full or failing disk. */
const errors: Readonly<Record<string, readonly string[]>> = {
  socket: ["EMFILE", "EPERM"],
  bind: ["ENOMEM"],
  setns: ["EPERM"],
  sendmsg: ["ENOBUFS", "EPERM"],
  recvmsg: ["ENOBUFS"],
  openat: ["EACCES", "EMFILE"],
  write: ["ENOSPC", "EIO"],
  pwrite64: ["ENOSPC", "EIO"],
  pread64: ["EIO"],
  ftruncate: ["ENOSPC", "EIO"],
  fsync: ["EIO"],
  fdatasync: ["EIO"],
  mmap: ["ENOMEM"],
  fcntl: ["ENOLCK"],
  mkdir: ["ENOSPC", "EROFS"],
  link: ["ENOSPC"],
  unlink: ["EIO"],
  rename: ["EIO"],
  chmod: ["EPERM"],
  fchown: ["EPERM"],
};

/** A call under each of its errors. */
export const errorsOf = (call: Call): Fault[] => errnosOf(call).map((what) => ({ call, what }));

function errnosOf({ syscall, target, unlocks }: Call): readonly string[] {
  // Of what the runtime reads, that it reads no more.
  if (target === "stdout") return ["EPIPE"];
  // To unlock fails only where it splits a lock (posix_lock_inode of fs/locks.c). Nobody does, and SQLite counts on it.
  return unlocks ? [] : (errors[syscall] ?? []);
}

export const killAt = (call: Call): Fault => ({ call, what: "KILL" });

/** From this write on, the disk is full, or gone. */
export const failingDisk = (call: Call): Fault[] =>
  call.syscall === "pwrite64" ? ["ENOSPC", "EIO"].map((what) => ({ call, what, onward: true })) : [];

/** "pwrite64 state.db-wal", to sum up and to choose by. */
export const kindOf = ({ syscall, target }: Call): string =>
  `${syscall} ${target.startsWith("sysctl ") ? "sysctl" : target}`;

export const describeFault = ({ call, what, onward }: Fault): string =>
  `${what}${onward === true ? " from here on" : ""} at ${call.syscall} ${call.nth} (${call.target})`;
