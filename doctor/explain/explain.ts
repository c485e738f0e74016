import { parseEvent, type Refusal } from "./event.ts";
import { goMeanings } from "./go-meanings.ts";
import type { Meaning, Mender } from "./meaning.ts";
import { ownMeanings } from "./own-meanings.ts";

/** What an event means: who refused, why, and what to change. */
export interface Explanation extends Refusal {
  /** The row of the table; undefined: the message is not known */
  readonly id: string | undefined;
  readonly why: string;
  readonly mender: Mender | undefined;
  readonly change: string;
}

const specific = [...ownMeanings.filter(({ id }) => id !== "own"), ...goMeanings];
const general = ownMeanings.filter(({ id }) => id === "own");

/** Explains the text of an event by the tables of messages. */
export function explain(text: string): Explanation {
  const refusal = parseEvent(text);
  for (const meaning of [...specific, ...general]) {
    const found = matchOf(meaning, refusal);
    if (found === null) continue;
    const fill = (words: string) =>
      words.replace(/\$(\d)/g, (_, group) => found[Number(group)] ?? "(not named)");
    return {
      ...refusal,
      id: meaning.id,
      why: fill(meaning.why),
      mender: meaning.mender,
      change: fill(meaning.change),
    };
  }
  const where = refusal.plugin === undefined ? "the network provider" : refusal.plugin;
  return {
    ...refusal,
    id: undefined,
    why: "this message is not known here",
    mender: undefined,
    change: `look into the log of ${where} on the pod's node, at the event's time`,
  };
}

/** A plugin's own words are where a meaning is looked for. Where no plugin is named, they are the whole text. */
function matchOf({ plugin, pattern }: Meaning, refusal: Refusal): RegExpExecArray | null {
  if (plugin !== undefined && !(refusal.plugin !== undefined && plugin.test(refusal.plugin))) return null;
  return pattern.exec(refusal.said);
}
