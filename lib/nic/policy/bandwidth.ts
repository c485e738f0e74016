const units = { k: 1e-3, m: 1, g: 1e3, t: 1e6 } as const;

/** Mbit/s of "10Gbps", "100G", "2.5Gbit/s", "25000Mbps". Throws RangeError for what has no unit, or is nothing. */
export function parseBandwidth(text: string): number {
  const [, digits = "", unit = ""] =
    /^(\d{1,9}(?:\.\d{1,6})?) ?([kKmMgGtT])(?:bits?(?:\/s(?:ec)?)?|b(?:ps|\/s)?)?$/.exec(text.trim()) ?? [];
  const mbits = Number(digits) * units[(unit.toLowerCase() || "m") as keyof typeof units];
  if (digits === "" || mbits === 0) {
    throw new RangeError(
      `"${text}" is no bandwidth; write bits a second with their unit, like 10Gbps or 100G`,
    );
  }
  return mbits;
}

/** "100 Gbit/s" of 100000. */
export function formatBandwidth(mbits: number): string {
  return mbits >= 1000 ? `${round(mbits / 1000)} Gbit/s` : `${round(mbits)} Mbit/s`;
}

const round = (value: number): number => Math.round(value * 100) / 100;
