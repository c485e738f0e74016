import { type Fault, kindOf } from "./fault.ts";

/**
 * About `most` of the faults, spread evenly, and where `seen` is given, besides the first of each sort that it does not
 * hold; those are added to it. So several scenarios together try every sort of call under every fault.
 */
export function chooseFaults(faults: readonly Fault[], most: number, seen?: Set<string>): Fault[] {
  const step = Math.max(1, faults.length / most);
  const spread = new Set(Array.from({ length: most }, (_, at) => Math.floor(at * step)));
  return faults.filter((fault, at) => {
    const sort = `${fault.what} ${kindOf(fault.call)}`;
    const isNew = seen?.has(sort) === false;
    seen?.add(sort);
    return isNew || spread.has(at);
  });
}
