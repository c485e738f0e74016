import type { Cluster, ClusterHost } from "../../lib/cluster/cluster.ts";
import type { FormerBlock } from "../../lib/cluster/former.ts";
import type { LocalNic, NetworkPlan } from "../../lib/cluster/host-plan.ts";
import type { StatePaths } from "../../lib/linux/paths.ts";
import type { Failure, Wanted } from "../routes/reconcile.ts";
import type { Read } from "./take-file.ts";

export interface KeepOptions {
  /** Path of the cluster file */
  readonly file: string;
  /** This host's name in it */
  readonly node: string;
  readonly paths: StatePaths;
  /** Whether pods that run may be left with addresses that are others' by the new file */
  readonly renumber: boolean;
  /** Runs fn, to which it tells how many attachments this node has of a network, while none can be added */
  readonly counted: (fn: (attachments: (network: string) => number) => void) => void;
}

/** What is known of the host and its cluster file. */
export interface State {
  cluster: Cluster | undefined;
  host: ClusterHost | undefined;
  /** SHA-256 of the file that this is of */
  digest: string;
  plans: readonly NetworkPlan[];
  /** What the plans were made of */
  planned:
    | {
        readonly cluster: Cluster;
        readonly addresses: ReadonlySet<string>;
        readonly nics: readonly LocalNic[];
      }
    | undefined;
  /** Ours in the kernel, as far as it is known */
  actual: Wanted;
  /** Whether it has to be read before it is relied on */
  isStale: boolean;
  failures: readonly Failure[];
  /** Blocks that other hosts had by files before, and pods of theirs may have addresses of */
  former: readonly FormerBlock[];
  /** The cluster that these are of */
  formerOf: Cluster | undefined;
  problems: readonly string[];
  /** ms until a file that was not taken is looked at again, though it does not change; undefined: not before it does */
  again: number | undefined;
  /** What was read, and is not taken as long as the host is as it is */
  held: Read | undefined;
  /** What kept the last look from its end; "" where nothing did */
  trouble: string;
}

export const initialState = (): State => ({
  cluster: undefined,
  host: undefined,
  digest: "",
  plans: [],
  planned: undefined,
  actual: { routes: [], rules: [] },
  isStale: true,
  failures: [],
  former: [],
  formerOf: undefined,
  problems: [],
  again: undefined,
  held: undefined,
  trouble: "",
});
