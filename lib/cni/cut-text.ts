/** How much of a text that is cut stands at its end: messages end with the remedy. */
const endShare = 0.25;

/**
 * A text of about `most` characters (UTF-16 units) at the longest: of a longer one the middle is left out, and how much
 * that is stands in its place. No character is halved.
 */
export function cutText(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = Math.floor(most * endShare);
  const head = before(text, most - end);
  const tail = before(text, text.length - end);
  return `${text.slice(0, head)}… (${tail - head} characters left out) …${text.slice(tail)}`;
}

/** The place, or the one before it where it is amid a pair of surrogates. */
function before(text: string, place: number): number {
  const code = text.codePointAt(place - 1) ?? 0;
  return code > 0xffff ? place - 1 : place;
}
