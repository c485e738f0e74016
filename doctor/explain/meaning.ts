/** Who can mend what a plugin refused. */
export type Mender = "pod" | "network" | "node" | "nobody";

/** A message that a plugin is known to give. `$1` in `why` and `change` is the pattern's first group. */
export interface Meaning {
  readonly id: string;
  /** Only where this plugin refused; undefined: whoever did, or before any did */
  readonly plugin?: RegExp;
  readonly pattern: RegExp;
  readonly why: string;
  readonly mender: Mender;
  readonly change: string;
}
