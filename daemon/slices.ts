import { setImmediate } from "node:timers/promises";

/** Items at a time: some ms of work, where one is a route to be read or written. */
const most = 256;

/** What `map` makes of all items, with a look at the sockets between any two slices of them. */
export async function mapInSlices<T, R>(items: readonly T[], map: (item: T) => R): Promise<R[]> {
  const made: R[] = [];
  for (let at = 0; at < items.length; at += most) {
    if (at > 0) await setImmediate();
    for (const item of items.slice(at, at + most)) made.push(map(item));
  }
  return made;
}
