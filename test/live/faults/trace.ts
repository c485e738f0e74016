/** A system call of an executable that touches the kernel's network or a file of ours. */
export interface Call {
  readonly syscall: string;
  /** Which of the process's calls of this name it is, from 1: strace's `when=`. */
  readonly nth: number;
  /** What it is about: "netlink", "state.db-wal", "sysctl net1-0/disable_ipv6", … */
  readonly target: string;
  /** It gives back a lock. */
  readonly unlocks: boolean;
  /** strace made it fail. */
  readonly injected: boolean;
}

/** Calls through which the executables change or read what outlives them; mmap is that of SQLite's -shm file. */
export const traced = [
  ...["socket", "bind", "setns", "sendmsg", "recvmsg"],
  ...["openat", "write", "pwrite64", "pread64", "ftruncate", "fsync", "fdatasync", "mmap", "fcntl"],
  ...["mkdir", "link", "unlink", "rename", "chmod", "fchown"],
] as const;

/** Whether a target is a file of the state folder: there is a disk behind it. */
export const isOfState = (target: string): boolean => /^(state|locks|networks)/.test(target);

/** The calls in strace's output (`-o`, no `-f`, `-yy`) that have a target. */
export function callsIn(text: string, stateDir: string, logFile: string): Call[] {
  const counts = new Map<string, number>();
  return text.split("\n").flatMap((line) => {
    const syscall = /^(\w+)\(/.exec(line)?.[1];
    if (syscall === undefined) return [];
    const nth = (counts.get(syscall) ?? 0) + 1;
    counts.set(syscall, nth);
    const target = targetOf(line, stateDir, logFile);
    if (target === undefined) return [];
    const unlocks = line.includes("F_SETLK, {l_type=F_UNLCK");
    return [{ syscall, nth, target, unlocks, injected: line.endsWith("(INJECTED)") }];
  });
}

function targetOf(line: string, stateDir: string, logFile: string): string | undefined {
  if (/^(socket|bind|sendmsg|recvmsg)\(.*NETLINK/.test(line)) return "netlink";
  if (line.startsWith("setns(")) return "namespace";
  const sysctl = /\/proc\/sys\/net\/(ipv[46]\/conf\/[^">]+)/.exec(line)?.[1];
  if (sysctl !== undefined) return `sysctl ${sysctl.replace("/conf", "")}`;
  const file = fileIn(line, stateDir);
  if (file !== undefined) return file;
  if (line.includes(logFile)) return "log";
  return line.startsWith("write(1<") ? "stdout" : undefined;
}

/** A file of the state folder by its name. The number of a draft, which is each process's own, is left out. */
function fileIn(line: string, stateDir: string): string | undefined {
  const at = line.indexOf(stateDir);
  if (at < 0) return undefined;
  const [path = ""] = line.slice(at + stateDir.length).split(/[">]/);
  return path === "" ? "state folder" : path.slice(1).replace(/\.\d+\.\d+\.new/, ".new");
}
