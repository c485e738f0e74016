import { expect, test } from "vitest";
import { planHostRoutes } from "../../../scripts/quickstart/host-routes.ts";
import { hosts } from "../../../scripts/quickstart/topology.ts";
import { readJson } from "../../conf-templates/templates.ts";

const template = (network: string, link: string) => ({
  file: `conf-templates/${network}.conf`,
  link,
  conf: { ...readJson(`${network}.conf`), name: network },
  ipvlanRefusal: undefined,
});

test("with ipvlan l3 each host routes to each block of the other, by its address on the same switch", () => {
  expect(planHostRoutes(template("multi-nic-ipvlan-l3", "ipvlan l3"), hosts)).toEqual([
    { host: "host-a", dst: "192.168.1.0/24", via: "10.1.0.2", dev: "eth1" },
    { host: "host-a", dst: "192.168.65.0/24", via: "10.2.0.2", dev: "eth2" },
    { host: "host-b", dst: "192.168.0.0/24", via: "10.1.0.1", dev: "eth1" },
    { host: "host-b", dst: "192.168.64.0/24", via: "10.2.0.1", dev: "eth2" },
  ]);
});

test("with macvlan the hosts need no routes", () => {
  expect(planHostRoutes(template("multi-nic-macvlan", "macvlan bridge"), hosts)).toEqual([]);
});
