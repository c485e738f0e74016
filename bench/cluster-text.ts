/** A cluster file of that many hosts and NICs. The first host is this one; `moved` has other addresses than it would. */
export function clusterText(hosts: number, nics: number, moved = -1): string {
  const lines = Array.from({ length: hosts }, (_, host) => {
    const third = host === moved ? 250 : Math.floor(host / 200);
    const addresses = Array.from({ length: nics }, (_, nic) => `10.${nic + 1}.${third}.${(host % 200) + 1}`);
    return `  - { name: h${host}, index: ${host}, addresses: [${addresses.join(", ")}] }`;
  });
  return `networks:
  - name: rails
    subnet: 172.16.0.0/12
    ipam: { interfaceBlock: ${Math.ceil(Math.log2(nics))}, hostBlock: ${Math.ceil(Math.log2(hosts))} }
    plugin: { type: ipvlan, mode: l3 }
hosts:
${lines.join("\n")}
`;
}
