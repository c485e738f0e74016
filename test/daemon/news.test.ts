import { expect, test } from "vitest";
import { newsOf } from "../../daemon/nics/news.ts";
import { parseCidr } from "../../lib/net/address.ts";
import type { HostNic } from "../../lib/nic/host-nic.ts";
import type { NicChange } from "../../lib/nic/watch.ts";

const eth3: HostNic = {
  name: "eth3",
  index: 4,
  mac: "02:00:00:00:00:03",
  mtu: 9000,
  up: true,
  carrier: true,
  operstate: "up",
  speed: 100_000,
  addresses: [parseCidr("10.3.0.1/16")],
  physical: true,
  defaultRoute: false,
  sort: "device",
  devices: [],
  lower: [],
  representor: false,
};
const { speed: _, ...silent } = eth3;
const changed = (nic: HostNic, before = eth3): NicChange => ({ type: "changed", nic, before });

test.each<[string, NicChange, string, object]>([
  [
    "a NIC that appears",
    { type: "appeared", nic: { ...eth3, carrier: false, addresses: [] } },
    "NIC eth3 appeared",
    { nic: "eth3", state: "no_carrier", addresses: [] },
  ],
  [
    "one that vanishes, as it was",
    { type: "vanished", before: eth3 },
    "NIC eth3 vanished",
    { nic: "eth3", state: "up", addresses: ["10.3.0.1/16"] },
  ],
  [
    "one that goes down, whatever goes with it",
    changed({ ...silent, up: false, carrier: false, operstate: "down" }),
    "NIC eth3 went down",
    {
      nic: "eth3",
      state: "down",
      operstate: "down",
      speed: undefined,
      was: { state: "up", operstate: "up", speed: 100_000 },
    },
  ],
  [
    "one whose cable is drawn",
    changed({ ...eth3, carrier: false }),
    "NIC eth3 lost its carrier",
    { nic: "eth3", state: "no_carrier", was: { state: "up" } },
  ],
  [
    "one that comes back",
    changed(eth3, { ...eth3, up: false, carrier: false }),
    "NIC eth3 is up",
    { nic: "eth3", state: "up", was: { state: "down" } },
  ],
  [
    "another address",
    changed({ ...eth3, addresses: [parseCidr("10.3.0.2/16")] }),
    "NIC eth3 changed",
    { nic: "eth3", addresses: ["10.3.0.2/16"], was: { addresses: ["10.3.0.1/16"] } },
  ],
  [
    "another name",
    changed({ ...eth3, name: "rail3" }),
    "NIC eth3 changed",
    { nic: "eth3", name: "rail3", was: { name: "eth3" } },
  ],
])("says of %s what it is, and was", (_title, change, message, fields) => {
  expect(newsOf(change)).toEqual({ message, fields });
});
