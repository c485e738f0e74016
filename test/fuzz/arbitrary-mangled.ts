import fc from "fast-check";

const sound = JSON.stringify({
  cniVersion: "1.1.0",
  name: "n1",
  type: "multi-nic",
  plugin: { type: "ipvlan", mode: "l3" },
  masters: ["eth1", "eth2"],
  subnet: ["192.168.0.0/16", "fd00::/48"],
  ipam: {
    type: "multi-nic-ipam",
    hostBlock: 6,
    interfaceBlock: 2,
    hostIndex: 1,
    routes: [{ dst: "10.0.0.0/8" }],
  },
  prevResult: {
    cniVersion: "1.1.0",
    interfaces: [{ name: "eth0" }],
    ips: [{ address: "10.1.1.1/24", interface: 0 }],
  },
});

interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat(sound.length),
  remove: fc.nat(12),
  insert: fc.oneof(
    fc.string({ maxLength: 6 }),
    fc.string({ unit: "binary", maxLength: 4 }),
    fc.constantFrom('"', "{", "}", "[[[[", "\\u", ",", "1e999", "-"),
  ),
});

/** Text of a sound configuration with bytes lost, doubled or put in. */
export const mangled: fc.Arbitrary<string> = fc
  .array(edit, { minLength: 1, maxLength: 8 })
  .map((edits) =>
    edits.reduce(
      (json, { at, remove, insert }) => json.slice(0, at) + insert + json.slice(at + remove),
      sound,
    ),
  );
