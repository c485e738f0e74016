import type { Report } from "../../../scripts/quickstart/report.ts";
import { hosts } from "../../../scripts/quickstart/topology.ts";

const blocks = [0, 64];

/** A run that went well, on a kernel with ipvlan. */
export const goodReport: Report = {
  kernel: "7.2.7",
  link: "ipvlan l3",
  template: "conf-templates/multi-nic-ipvlan-l3.conf",
  ipvlanRefusal: undefined,
  hosts: hosts.map((host) => ({
    ...host,
    addMs: 41.4,
    delMs: 39.6,
    interfaces: host.nics.map(({ name }, place) => ({
      name: `net1-${place}`,
      master: name,
      address: `192.168.${(blocks[place] ?? 0) + host.hostIndex}.1/18`,
    })),
  })),
  routes: [{ host: "host-a", dst: "192.168.1.0/24", via: "10.1.0.2", dev: "eth1" }],
  pings: [
    { pod: "pod-a", from: "192.168.0.1", to: "192.168.1.1", ms: 0.1 },
    { pod: "pod-a", from: "192.168.0.1", to: "192.168.65.1", ms: 0.2 },
  ],
  leftBehind: [],
};
