import fc from "fast-check";

/* Values as a user of a namespace might write them: nearly right, of another type, or made to confuse. */

const ipv4 = fc.tuple(fc.nat(300), fc.nat(255), fc.nat(255), fc.nat(255)).map((octets) => octets.join("."));
const ipv6 = fc.oneof(fc.ipV6(), fc.constantFrom("::", "fd00::1", "::ffff:10.0.0.1", "fe80::1%eth0"));
export const address = fc.oneof(ipv4, ipv6);
export const cidr = fc.oneof(
  fc.tuple(address, fc.nat(140)).map(([text, prefix]) => `${text}/${prefix}`),
  fc.constantFrom(
    "0.0.0.0/0",
    "::/0",
    "10.0.0.0/8",
    "192.168.0.0/16",
    "fd00::/48",
    "10.0.0.0/31",
    "10.0.0.0/32",
    "/",
    "10.0.0.0/+8",
  ),
);

export const subnet = fc.constantFrom(
  "10.0.0.0/8",
  "192.168.0.0/16",
  "fd00::/48",
  "::/0",
  "0.0.0.0/0",
  "10.0.0.0/30",
);

export const confusing = fc.constantFrom(
  "../../etc/passwd",
  "/proc/1/ns/net",
  "..",
  ".",
  "a/b",
  "constructor",
  "__proto__",
  "toString",
  "\u0000",
  "net1\n",
  "\ud800",
  "Ⅷ",
  "x".repeat(5000),
  "-1",
  "1e309",
  "NaN",
);
export const linkName = fc.oneof(
  fc.constantFrom("eth0", "eth1", "eth2", "lo"),
  confusing,
  fc.string({ maxLength: 20 }),
);
export const number = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(-1, 0, 1, 2, 6, 1500, 2 ** 31, 2 ** 53, 1e308),
);
export const text = fc.oneof(address, cidr, linkName, confusing, fc.string());
const anything = fc.oneof(
  { depthSize: "small" },
  text,
  number,
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 4 }),
);

/** Mostly what the key wants, at times anything. */
export const mostly = <T>(wanted: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 30, arbitrary: wanted }, { weight: 1, arbitrary: anything });
export const list = <T>(of: fc.Arbitrary<T>) => mostly(fc.array(mostly(of), { maxLength: 6 }));
