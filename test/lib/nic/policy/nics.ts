import { parseCidr } from "../../../../lib/net/address.ts";
import type { HostNic, NicDevice } from "../../../../lib/nic/host-nic.ts";
import type { SelectedNic } from "../../../../lib/nic/offer.ts";

/** A NIC that works: eth3 has ifindex 4 and 10.3.0.1/16. */
export function hostNic(name: string, more: Partial<HostNic> = {}): HostNic {
  const number = Number(name.match(/\d+$/)?.[0] ?? 0);
  return {
    name,
    index: number + 1,
    mac: undefined,
    mtu: 1500,
    up: true,
    carrier: true,
    operstate: "up",
    addresses: [parseCidr(`10.${number % 250}.0.1/16`)],
    physical: true,
    defaultRoute: false,
    sort: "device",
    devices: [device()],
    lower: [],
    representor: false,
    speed: 100_000,
    ...more,
  };
}

export function device(more: Partial<NicDevice> = {}): NicDevice {
  return {
    bus: "pci",
    address: "0000:3b:00.0",
    path: [],
    rdma: [],
    vendor: "15b3",
    product: "101d",
    ...more,
  };
}

export const offer = (...nics: readonly HostNic[]): SelectedNic<HostNic>[] =>
  nics.map((nic, interfaceIndex) => ({ nic, interfaceIndex }));
