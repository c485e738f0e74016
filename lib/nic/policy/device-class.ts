import type { HostNic, NicDevice } from "../host-nic.ts";

/** A class of NICs: those of these vendors, and of these products of theirs where any are named. */
export interface DeviceClass {
  readonly name: string;
  readonly ids: readonly DeviceId[];
}

export interface DeviceId {
  /** Four hex digits */
  readonly vendor: string;
  /** Four hex digits each; empty: every product */
  readonly products: readonly string[];
}

/** A VLAN or a bond is of a class where all that it is over is. */
export function isOfClass({ devices }: HostNic, { ids }: DeviceClass): boolean {
  const matches = ({ vendor, product = "" }: NicDevice) =>
    ids.some((id) => id.vendor === vendor && (id.products.length === 0 || id.products.includes(product)));
  return devices.length > 0 && devices.every(matches);
}

/** "15b3:1019, 1d0f:any" */
export function describeClass({ ids }: DeviceClass): string {
  const all = ids.flatMap(({ vendor, products }) =>
    (products.length === 0 ? ["any"] : products).map((product) => `${vendor}:${product}`),
  );
  return all.join(", ");
}

/** "15b3:101d" of a NIC; both of a bond's where they differ. */
export function identityOf({ devices }: Pick<HostNic, "devices">): string {
  const all = devices.map(({ vendor = "?", product = "?" }) => `${vendor}:${product}`);
  return [...new Set(all)].join(" ") || "no device";
}
