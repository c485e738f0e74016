const macText = /^[0-9a-fA-F]{2}([:-])[0-9a-fA-F]{2}(?:\1[0-9a-fA-F]{2}){4}$/;

/**
 * An interface's own MAC address, in lower case with colons. Throws RangeError naming the text for what is
 * none, for all zeros, and for a multicast address, as the kernel's is_valid_ether_addr does.
 */
export function parseMac(text: string): string {
  if (!macText.test(text)) throw new RangeError(`"${text}" is not a MAC address, as in 02:00:5e:00:53:01`);
  const mac = text.toLowerCase().replaceAll("-", ":");
  if (mac === "00:00:00:00:00:00") throw new RangeError(`"${text}" is all zeros, and so no MAC address`);
  if ((Number.parseInt(mac.slice(0, 2), 16) & 1) === 1) {
    throw new RangeError(`"${text}" is a multicast address: the first byte of an interface's MAC is even`);
  }
  return mac;
}

/** The six bytes of a MAC address in colon form. */
export function macBytes(mac: string): Uint8Array {
  return Uint8Array.from(mac.split(":"), (byte) => Number.parseInt(byte, 16));
}

/** Colon form, lower case, for a hardware address of any length (IFLA_ADDRESS). */
export function macFromBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
