import type { Kind } from "./contestants.ts";

/** What scenarios are run with. */
export interface Options {
  readonly rounds: number;
  /** Numbers of NICs */
  readonly counts: readonly number[];
  readonly kind: Kind;
  /** Whether the newer Go plugins are there */
  readonly newer: boolean;
  /** Tells how far it is */
  readonly say: (text: string) => void;
}
