import type { Invocation } from "./invocation.ts";
import type { Result } from "./result.ts";

/** What a plugin does for each verb. Each one throws a CniError, or succeeds. */
export interface Verbs {
  add(invocation: Invocation): Promise<Result>;
  del(invocation: Invocation): Promise<void>;
  check(invocation: Invocation): Promise<void>;
  status(invocation: Invocation): Promise<void>;
  gc(invocation: Invocation): Promise<void>;
}

/** A plugin as runPlugin takes it: light enough that VERSION loads nothing else. */
export interface Plugin {
  /** The name of its executable, and its `type` in configurations. */
  readonly name: string;
  /** One line: what it does. */
  readonly about: string;
  /** Loads the verbs, on the first call that needs them. */
  readonly verbs: () => Promise<Verbs>;
  /** Keys of CNI_ARGS that it reads; ADD and CHECK refuse any other without IgnoreUnknown. Absent: all are let pass. */
  readonly knownArgs?: readonly string[];
  /**
   * DEL, GC, CHECK and STATUS are served whatever environment and stdin hold, and ADD with nothing on stdin: what
   * could not be read is "" and {} in the invocation.
   */
  readonly toleratesNoConf?: boolean;
}
