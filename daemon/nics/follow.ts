import type { Netns } from "../../lib/linux/netns.ts";
import { type NicWatch, watchNics } from "../../lib/nic/watch.ts";
import type { Figures } from "../figures.ts";
import { say } from "../log.ts";
import { newsOf } from "./news.ts";

/**
 * Follows the host's NICs: each that appears, changes or vanishes is a line of the log, and counted. `virtual` are the names
 * of links that count though no device is behind them. Throws NetlinkError.
 */
export async function followNics(
  host: Netns,
  virtual: readonly string[],
  figures: Figures,
): Promise<NicWatch> {
  const watch = await watchNics(
    host,
    (changes) => {
      for (const change of changes) {
        const { message, fields } = newsOf(change);
        say("info", message, fields);
        figures.nicChanged(change.type);
      }
    },
    {
      virtual,
      failed: (error) => say("error", "the NICs could not be looked at", { error: String(error) }),
      missed: () => say("info", "the kernel's messages about NICs came too fast; all NICs are looked at"),
    },
  );
  figures.countNics(() => watch.nics);
  return watch;
}
