import { kernelState, linkOf, linksOf } from "../live/kernel-state.ts";
import { storeOf } from "../live/node.ts";
import { here, ifnamesOf } from "../live/scene.ts";

/** What is in both pods and in the store, as one value to compare. */
export const everything = () => ({
  pod: kernelState(here().pod),
  other: kernelState(here().other),
  host: kernelState(here().node.host),
  store: storeOf(here().node),
});

/** The masters of a pod's links, in the order of their names. */
export function mastersOf(): (string | undefined)[] {
  const names = new Map(linksOf(here().node.host).map(({ ifindex, ifname }) => [ifindex, ifname]));
  return ifnamesOf(here().pod)
    .sort()
    .map((ifname) => names.get(linkOf(here().pod, ifname).link_index ?? 0));
}
