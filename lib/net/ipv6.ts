/** IPv6 text: eight groups of 16 bits, parsed by RFC 4291 section 2.2 and written by RFC 5952 section 4. */

const groupText = /^[0-9a-fA-F]{1,4}$/;

/** The 128-bit value of an IPv6 address without zone and without dotted quad; undefined when it is not one. */
export function parseIpv6(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] ?? "");
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? "") : [];
  if (head === undefined || tail === undefined) return undefined;
  const elided = 8 - head.length - tail.length;
  // "::" stands for at least one group (RFC 4291 section 2.2, item 2).
  if (halves.length === 2 ? elided < 1 : elided !== 0) return undefined;
  const groups = [...head, ...Array<string>(elided).fill("0"), ...tail];
  return BigInt(`0x${groups.map((group) => group.padStart(4, "0")).join("")}`);
}

function groupsOf(text: string): string[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  return groups.every((group) => groupText.test(group)) ? groups : undefined;
}

/** The canonical text: lower case, no leading zeros, the first longest run of zero groups as "::". */
export function formatIpv6(value: bigint): string {
  const hex = value.toString(16).padStart(32, "0");
  const groups: string[] = [];
  for (let at = 0; at < 32; at += 4) groups.push(hex.slice(at, at + 4).replace(/^0{1,3}/, ""));
  const zeros = longestZeroRun(groups);
  if (zeros.length < 2) return groups.join(":");
  return `${groups.slice(0, zeros.start).join(":")}::${groups.slice(zeros.start + zeros.length).join(":")}`;
}

function longestZeroRun(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [at, group] of groups.entries()) {
    if (group !== "0") start = at + 1;
    else if (at + 1 - start > best.length) best = { start, length: at + 1 - start };
  }
  return best;
}
