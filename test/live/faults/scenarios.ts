import { unsuccessful } from "./answer.ts";
import { type Bed, oneAddress } from "./bed.ts";
import { errorsOf, type Fault, failingDisk, killAt } from "./fault.ts";
import {
  collected,
  delAfter,
  goneOrSaid,
  noneValid,
  reclaimed,
  repeated,
  wholeOrNothing,
  wholeOrRecord,
} from "./judge.ts";
import { type Ended, type Invoked, straced } from "./strace.ts";
import type { Call } from "./trace.ts";

/** A call that is disturbed at each of its system calls, what is before it, and what must hold behind it. */
export interface Scenario {
  readonly title: string;
  readonly faultsAt: (call: Call) => Fault[];
  readonly arrange: (bed: Bed) => Promise<void>;
  readonly disturbed: (bed: Bed) => Invoked;
  /** What is wrong; none is []. */
  readonly judge: (bed: Bed, ended: Ended, fault: Fault) => Promise<string[]>;
}

const kill = (call: Call): Fault[] => [killAt(call)];

/** The store as it is, and pods without a link. */
const nothing = (store: "used" | "none") => async (bed: Bed) => bed.restore(store);

async function attached(bed: Bed): Promise<void> {
  bed.restore("used");
  mustSucceed(unsuccessful("ADD", await bed.call("ADD")));
}

/** An ADD that was killed when all was done but its journal was not yet in the database: the next call replays it. */
async function withJournal(bed: Bed): Promise<void> {
  bed.restore("used");
  const { calls } = await straced(bed.node, bed.invoked("ADD"));
  const call = calls.find(({ syscall, target }) => syscall === "pwrite64" && target === "state.db");
  if (call === undefined) throw new Error("ADD writes nothing into state.db");
  mustSucceed(unsuccessful("DEL", await bed.call("DEL")));
  bed.restore("used");
  await straced(bed.node, bed.invoked("ADD"), killAt(call));
}

const add = (bed: Bed) => bed.invoked("ADD");
const del = (bed: Bed) => bed.invoked("DEL");
const addScarce = (bed: Bed) => bed.invoked("ADD", oneAddress);
const gc = (bed: Bed) => bed.invoked("GC", noneValid);

export const scenarios: readonly Scenario[] = [
  {
    title: "ADD is killed, then DEL",
    faultsAt: kill,
    arrange: nothing("used"),
    disturbed: add,
    judge: delAfter,
  },
  {
    title: "the node's first ADD is killed, then DEL",
    faultsAt: kill,
    arrange: nothing("none"),
    disturbed: add,
    judge: delAfter,
  },
  {
    title: "ADD is killed, then GC",
    faultsAt: kill,
    arrange: nothing("used"),
    disturbed: add,
    judge: collected,
  },
  {
    title: "ADD is killed, then another pod needs the only addresses",
    faultsAt: kill,
    arrange: nothing("used"),
    disturbed: addScarce,
    judge: reclaimed,
  },
  {
    title: "ADD is killed, then the same ADD again",
    faultsAt: kill,
    arrange: nothing("used"),
    disturbed: add,
    judge: repeated,
  },
  { title: "DEL is killed, then DEL", faultsAt: kill, arrange: attached, disturbed: del, judge: delAfter },
  {
    title: "DEL is killed that finds a journal to replay, then DEL",
    faultsAt: kill,
    arrange: withJournal,
    disturbed: del,
    judge: delAfter,
  },
  { title: "GC is killed, then GC", faultsAt: kill, arrange: attached, disturbed: gc, judge: collected },
  {
    title: "ADD meets an error",
    faultsAt: errorsOf,
    arrange: nothing("used"),
    disturbed: add,
    judge: wholeOrNothing,
  },
  {
    title: "the node's first ADD meets an error",
    faultsAt: errorsOf,
    arrange: nothing("none"),
    disturbed: add,
    judge: wholeOrNothing,
  },
  {
    title: "the disk fails during ADD and stays so, then DEL",
    faultsAt: failingDisk,
    arrange: nothing("used"),
    disturbed: add,
    judge: wholeOrRecord,
  },
  {
    title: "the disk fails during the node's first ADD and stays so, then DEL",
    faultsAt: failingDisk,
    arrange: nothing("none"),
    disturbed: add,
    judge: wholeOrRecord,
  },
  {
    title: "DEL meets an error, then DEL",
    faultsAt: errorsOf,
    arrange: attached,
    disturbed: del,
    judge: goneOrSaid,
  },
  {
    title: "the disk fails during DEL and stays so, then DEL",
    faultsAt: failingDisk,
    arrange: attached,
    disturbed: del,
    judge: goneOrSaid,
  },
];

function mustSucceed(problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(problems.join("; "));
}
