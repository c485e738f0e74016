import type { JsonObject } from "./json.ts";
import type { Log } from "./log.ts";

export const commands = ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"] as const;
export type Command = (typeof commands)[number];

/** Who waits for the answer to a call, where a process serves many. */
export interface Caller {
  /** Whether it is gone: what is made for it then is nobody's. It is told of between turns of the event loop. */
  hasLeft(): boolean;
  /** Waits for what others do: calls that wait so keep no others from being served. */
  aside<T>(wait: () => Promise<T>): Promise<T>;
}

/** One call of a plugin, past the checks of its environment and of what every configuration must have. */
export interface Invocation {
  readonly command: Command;
  /** The spec version of the configuration, and so of the answer. "0.1.0" where it names none. */
  readonly cniVersion: string;
  /** The network's name: `^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`. */
  readonly network: string;
  /** "" where the verb has none (GC, STATUS) */
  readonly containerId: string;
  /** Path of the pod's network namespace; "" where the verb has none, or DEL was given none. */
  readonly netns: string;
  /** "" where the verb has none */
  readonly ifname: string;
  /** CNI_ARGS, key to value; unknown keys are in it too. */
  readonly args: ReadonlyMap<string, string>;
  /** CNI_PATH, split; empty entries are left out. */
  readonly path: readonly string[];
  /** The configuration as it came, parsed but not validated beyond cniVersion and name. */
  readonly conf: JsonObject;
  /** The whole environment, for delegates. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Where the stderr of delegates goes; undefined: where this process's does */
  readonly stderr?: Sink | undefined;
  /** undefined: a process that was started for this call */
  readonly caller?: Caller | undefined;
}

export type Sink = (chunk: Uint8Array) => void;
