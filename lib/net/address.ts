/** An IP address as a number: 32 bits for IPv4, 128 for IPv6. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** An address and a prefix length. The address may have host bits: 192.168.0.1/18. */
export interface Cidr {
  readonly address: IpAddress;
  readonly prefix: number;
}
