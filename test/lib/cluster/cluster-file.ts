/** The text of a cluster file; `changes` stand in for what is there. */
export function clusterFile(changes: { networks?: string; hosts?: string; ipam?: string } = {}): string {
  const {
    ipam = "{ type: multi-nic-ipam, interfaceBlock: 2, hostBlock: 6 }",
    networks = `
  - name: rails
    subnet: 192.168.0.0/16
    ipam: ${ipam}
    masterNets: [10.1.0.0/24, 10.2.0.0/24]
    plugin: { type: ipvlan, mode: l3 }`,
    hosts = `
  - { name: host-0, index: 0, addresses: [10.1.0.1, 10.2.0.1] }
  - { name: host-1, index: 1, addresses: [10.1.0.2, 10.2.0.2] }
  - { name: host-2, index: 2, addresses: [10.1.0.3, 10.2.0.3] }`,
  } = changes;
  return `networks:${networks}\nhosts:${hosts}\n`;
}
