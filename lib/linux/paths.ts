import { join } from "node:path";

/** Where the state of a node is, and the log. */
export interface StatePaths {
  /** Made 0700; cleared by a reboot, as the pods are */
  readonly dir: string;
  /** One <network>.json per network, of what is the node's own */
  readonly networks: string;
  /** Classes of NICs, for attachment policies */
  readonly classes: string;
  /** SQLite, 0600 */
  readonly database: string;
  /** 0600; empty: its bytes are locked, not written */
  readonly locks: string;
  /** undefined: no log is written */
  readonly log: string | undefined;
}

/** The paths that MULTI_NIC_CNI_STATE_DIR and MULTI_NIC_CNI_LOG_FILE name, or the defaults. */
export function statePaths(env: Readonly<Record<string, string | undefined>>): StatePaths {
  const dir = env.MULTI_NIC_CNI_STATE_DIR || "/run/multi-nic-cni";
  const log = env.MULTI_NIC_CNI_LOG_FILE ?? "/var/log/multi-nic-cni.log";
  return {
    dir,
    networks: join(dir, "networks"),
    classes: join(dir, "classes.json"),
    database: join(dir, "state.db"),
    locks: join(dir, "locks"),
    log: log === "" || log === "off" ? undefined : log,
  };
}

/** The node file of a network. Throws RangeError for a name that is no file name. */
export function networkFile(paths: StatePaths, network: string): string {
  if (network === "" || network === "." || network === ".." || /[/\0]/.test(network))
    throw new RangeError(`network name "${network}" is not a file name`);
  return join(paths.networks, `${network}.json`);
}
