import { ip } from "./command.ts";

/** A NIC of a host, and the switch that it is plugged into. */
export interface HostNic {
  readonly name: string;
  readonly address: string;
  readonly switch: string;
}

/** A host and the pod on it; both are network namespaces of these names. */
export interface Host {
  readonly name: string;
  readonly pod: string;
  readonly hostIndex: number;
  readonly nics: readonly HostNic[];
}

const prefix = 24;

export const hosts: readonly Host[] = ["a", "b"].map((letter, hostIndex) => ({
  name: `host-${letter}`,
  pod: `pod-${letter}`,
  hostIndex,
  nics: [1, 2].map((number) => ({
    name: `eth${number}`,
    address: `10.${number}.0.${hostIndex + 1}`,
    switch: `switch${number}`,
  })),
}));

/** The address of a NIC with the length of its network's prefix, as `ip address` writes it. */
export const withPrefix = ({ address }: HostNic): string => `${address}/${prefix}`;

/** Makes the hosts and their pods, with the switches as bridges in this process' own network namespace. */
export async function makeTopology(): Promise<void> {
  const switches = new Set(hosts.flatMap(({ nics }) => nics.map((nic) => nic.switch)));
  await ip(undefined, [
    ...hosts.flatMap(({ name, pod }) => [`netns add ${name}`, `netns add ${pod}`]),
    ...[...switches].flatMap((name) => [`link add ${name} type bridge`, `link set ${name} up`]),
    ...hosts.flatMap((host) => host.nics.flatMap((nic) => cable(host, nic))),
  ]);
  for (const { name, pod, nics } of hosts) {
    await ip(pod, ["link set lo up"]);
    await ip(name, [
      "link set lo up",
      ...nics.flatMap((nic) => [`link set ${nic.name} up`, `address add ${withPrefix(nic)} dev ${nic.name}`]),
    ]);
  }
}

/** A veth pair: one end is the host's NIC, the other is the port of the switch. */
function cable(host: Host, nic: HostNic): string[] {
  const port = `${host.name}-${nic.name}`;
  return [
    `link add ${port} type veth peer name ${nic.name} netns ${host.name}`,
    `link set ${port} master ${nic.switch}`,
    `link set ${port} up`,
  ];
}
