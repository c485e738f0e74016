import { expect, test } from "vitest";
import type { StoreTx } from "../../../../lib/ipam/store.ts";
import { formatAddress, formatCidr, parseAddress } from "../../../../lib/net/address.ts";
import type { SelectedNic } from "../../../../lib/nic/offer.ts";
import { ownAddressing } from "../../../../plugins/multi-nic/ipam/own.ts";
import { invocationOf } from "../invocation.ts";

const nics = [0, 1].map((interfaceIndex): SelectedNic => {
  const nic = { name: `eth${interfaceIndex}`, index: interfaceIndex + 2, mac: undefined, mtu: 1500 };
  const works = { up: true, carrier: true, addresses: [], physical: true, defaultRoute: false };
  return { nic: { ...nic, ...works }, interfaceIndex };
});

/** A store that leases the second address of every block. */
const tx: Pick<StoreTx, "allocate"> = {
  allocate: (_id, requests) =>
    requests.map(({ nic, block }) => ({
      nic,
      address: { family: block.family, value: block.first + 1n },
      prefix: block.prefix,
    })),
};

const rows: [title: string, gateway: string | string[] | undefined, nics: string[]][] = [
  ["no gateway is none", undefined, ["10.60.0.2/17", "10.60.128.2/17"]],
  [
    "a gateway is that of the NIC in whose block it is",
    "10.60.0.1",
    ["10.60.0.2/17>10.60.0.1", "10.60.128.2/17"],
  ],
  [
    "each NIC may have its own",
    ["10.60.128.1", "10.60.0.1"],
    ["10.60.0.2/17>10.60.0.1", "10.60.128.2/17>10.60.128.1"],
  ],
];

test.each(rows)("%s", (_title, gateway, expected) => {
  const ipam = { type: "multi-nic-ipam", subnet: "10.60.0.0/16", interfaceBlock: 1 };
  const invocation = invocationOf({ ipam: gateway === undefined ? ipam : { ...ipam, gateway } });
  const addressing = ownAddressing(invocation, nics, undefined)(tx as StoreTx, 1);
  const texts = addressing.nics.map((own) =>
    own
      .map(({ cidr, gateway: by }) => formatCidr(cidr) + (by === undefined ? "" : `>${formatAddress(by)}`))
      .join(" "),
  );
  expect(texts).toEqual(expected);
});

test("routes and dns are passed on, as values", () => {
  const ipam = {
    type: "multi-nic-ipam",
    subnet: "10.60.0.0/16",
    interfaceBlock: 1,
    routes: [{ dst: "10.0.0.0/8", gw: "10.60.0.9" }],
    dns: { domain: "d" },
  };
  const { routes, dns } = ownAddressing(invocationOf({ ipam }), nics, undefined)(tx as StoreTx, 1);
  expect(routes).toMatchObject([{ gateway: parseAddress("10.60.0.9") }]);
  expect(dns).toEqual({ domain: "d" });
});
