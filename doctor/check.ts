import type { Finding } from "./finding.ts";
import type { Tree } from "./tree.ts";

/** What a machine is: any node, a node with a DPU in it, or the DPU itself. */
export const roles = ["node", "host", "dpu"] as const;
export type Role = (typeof roles)[number];

/** What the command line narrows a look at a machine to. */
export interface Scope {
  readonly role: Role;
  /** The one physical function to look at; undefined: all that have virtual functions */
  readonly pf?: string;
  /** The CNI folder, where it is none of the usual ones */
  readonly cniBin?: string;
  /** The configuration folder, where it is none of the usual ones */
  readonly cniConf?: string;
  /** Where Open vSwitch's database listens, as ovs-vsctl --db takes it */
  readonly ovsDb?: string;
  /** Lines of a release's SHA256SUMS: name to sha256 */
  readonly sums?: ReadonlyMap<string, string>;
}

/** One thing to look at. `run` is a function of what is observed: it changes nothing, and finds nothing where all is well. */
export interface Check {
  readonly id: string;
  readonly title: string;
  readonly applies: readonly Role[];
  readonly run: (tree: Tree, scope: Scope) => readonly Finding[] | Promise<readonly Finding[]>;
}
