import { expect, test } from "vitest";
import { overlappingLinks } from "../../../daemon/cluster/own-links.ts";
import { parseCluster } from "../../../lib/cluster/parse.ts";
import { parseCidr } from "../../../lib/net/address.ts";
import { clusterFile } from "../../lib/cluster/cluster-file.ts";

const links = (...addresses: readonly string[]) => [
  { name: "lo", addresses: [parseCidr("127.0.0.1/8")] },
  { name: "eth1", addresses: [parseCidr("10.1.0.1/24"), parseCidr("fd00::1/64")] },
  { name: "eth0", addresses: addresses.map(parseCidr) },
];

const rows: readonly (readonly [title: string, address: string, says: readonly RegExp[]])[] = [
  ["no link beside the subnet", "192.167.1.5/24", []],
  [
    "a link within it",
    "192.168.1.5/24",
    [
      /^network rails: 192\.168\.0\.0\/16 overlaps 192\.168\.1\.0\/24, which this host's link eth0 is on \(192\.168\.1\.5\/24\); take another subnet, or take the address from the link$/,
    ],
  ],
  ["a link around it", "192.0.0.1/8", [/overlaps 192\.0\.0\.0\/8, /]],
  ["a single address within it", "192.168.255.255/32", [/overlaps 192\.168\.255\.255\/32, /]],
];
test.each(rows)("tells %s", (_title, address, says) => {
  const said = overlappingLinks(parseCluster(clusterFile()), links(address));
  expect(said).toEqual(says.map((text) => expect.stringMatching(text)));
});
