import type { JsonObject } from "../../../lib/cni/json.ts";
import { badError, unsilent, unsuccessful } from "./answer.ts";
import { type Bed, oneAddress } from "./bed.ts";
import type { Fault } from "./fault.ts";
import { inKernel, leftovers, recorded } from "./leftovers.ts";
import type { Ended } from "./strace.ts";
import { type Call, isOfState } from "./trace.ts";

/** GC with nothing valid. */
export const noneValid: JsonObject = { "cni.dev/valid-attachments": [] };

/** DEL succeeds, silently, and nothing is left. */
export async function delAfter(bed: Bed): Promise<string[]> {
  return [...unsilent("DEL", await bed.call("DEL")), ...leftovers(bed)];
}

/** An ADD under an error: all is there and CHECK agrees, or an error object and nothing is there. */
export async function wholeOrNothing(bed: Bed, ended: Ended, { call, what }: Fault): Promise<string[]> {
  // libcni cannot parse what is cut off, and so calls DEL: nothing else is to be seen.
  if (call.target === "stdout") return delAfter(bed);
  if (isStuck(ended, call)) return delAfter(bed);
  if (ended.exitCode !== 0) return [...badError(ended, call), ...leftovers(bed), ...(await delAfter(bed))];
  const prevResult = JSON.parse(ended.stdout);
  const checked = unsuccessful(`CHECK after ${what}`, await bed.call("CHECK", { prevResult }));
  return [...checked, ...(await delAfter(bed))];
}

/** A process that cannot leave the pod's namespace aborts (lib/linux/netns.ts): it is as if it were killed. */
const isStuck = ({ signal }: Ended, { syscall }: Call): boolean =>
  signal === "SIGABRT" && syscall === "setns";

/** With the disk gone for good, the record may stay until it is back: DEL, or a GC, finds it. Nothing else may. */
export async function wholeOrRecord(bed: Bed, ended: Ended, { call }: Fault): Promise<string[]> {
  const made = ended.exitCode === 0 ? [] : [...badError(ended, call), ...inKernel(bed)];
  return [...made, ...(await delAfter(bed))];
}

/** A DEL that meets an error of the store succeeds and takes the links; any other error it may report, and be repeated. */
export async function goneOrSaid(bed: Bed, ended: Ended, { call }: Fault): Promise<string[]> {
  if (isStuck(ended, call)) return delAfter(bed);
  const mustDo = ended.exitCode === 0 || isOfState(call.target);
  const said = mustDo ? [...unsilent("DEL", ended), ...inKernel(bed)] : badError(ended, call);
  return [...said, ...(await delAfter(bed))];
}

/** What an ADD left that was killed comes back when the next pod needs it, unless it was complete: then a DEL is due. */
export async function reclaimed(bed: Bed): Promise<string[]> {
  const complete = recorded(bed.node.stateDir).includes("c1 ready");
  const first = complete ? unsilent("DEL", await bed.call("DEL", oneAddress)) : [];
  const next = unsuccessful("the other pod's ADD", await bed.call("ADD", oneAddress, "other"));
  const last = unsilent("the other pod's DEL", await bed.call("DEL", oneAddress, "other"));
  // Where the kill came before the first record, nothing was there to be reclaimed, nor to be found.
  return [...first, ...next, ...last, ...leftovers(bed)];
}

/** A GC that lists nothing takes all that the killed call left. */
export async function collected(bed: Bed): Promise<string[]> {
  return [...unsilent("GC", await bed.call("GC", noneValid)), ...leftovers(bed)];
}

/** The same ADD again, as a runtime that lost its own state would send it. */
export async function repeated(bed: Bed): Promise<string[]> {
  const complete = recorded(bed.node.stateDir).includes("c1 ready");
  const again = await bed.call("ADD");
  const expected = complete
    ? again.exitCode === 1 && again.stdout.includes('"code":105')
    : again.exitCode === 0;
  const answer = expected ? [] : [`ADD again ended with ${again.exitCode}: ${again.stdout}`];
  return [...answer, ...(await delAfter(bed))];
}
