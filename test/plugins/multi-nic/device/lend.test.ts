import { expect, test } from "vitest";
import type { Netns } from "../../../../lib/linux/netns.ts";
import { encodeBody, findAttribute, type Request, text, viewOf } from "../../../../lib/netlink/codec.ts";
import { IFLA_IFNAME, RTM_GETLINK } from "../../../../lib/netlink/constants.ts";
import { NetlinkError } from "../../../../lib/netlink/error.ts";
import { lendDevices } from "../../../../plugins/multi-nic/device/lend.ts";
import type { LentLink, Plan } from "../../../../plugins/multi-nic/plan.ts";

const device = { mtu: 1500, up: false, group: 0, alias: "", altNames: [] };

/** A virtual function of a physical one of its own, that is to have a VLAN. */
const vfOf = (pf: number): LentLink => ({
  ifname: `net1-${pf}`,
  master: `vf${pf}`,
  masterIndex: 10 + pf,
  mtu: 1500,
  mac: undefined,
  addresses: [],
  kind: { kind: "sriov", vf: { vlan: { vlan: 7, qos: 0, proto: "802.1q" }, trust: true } },
  device: { ...device, vf: { pf: `pf${pf}`, pfIndex: pf, number: 0, was: {} } },
});

const plan: Plan = {
  group: 0x40000000,
  links: [vfOf(0), vfOf(1)],
  routes: [],
  rules: [],
  wanted: [],
  dns: {},
  delegates: [],
};

/** A host with those links, whose kernel refuses what has that label; says what was asked of it but for lookups. */
function hostThatRefuses(refusedLabel: string): { host: Netns; asked: string[] } {
  const asked: string[] = [];
  const answer = ({ type, label, body }: Request) => {
    if (type === RTM_GETLINK) {
      const name = Buffer.from(findAttribute(body, IFLA_IFNAME, 16) ?? [])
        .toString()
        .replace(/\0$/, "");
      const header = new Uint8Array(16);
      viewOf(header).setInt32(4, 10 + Number(name.slice(2)), true);
      return [{ type: 16, flags: 0, seq: 0, port: 0, body: encodeBody(header, [text(IFLA_IFNAME, name)]) }];
    }
    asked.push(label);
    if (label === refusedLabel) throw new NetlinkError(22, { request: label, index: 0, explanation: "" });
    return [];
  };
  const netlink = { request: async (requests: readonly Request[]) => requests.map(answer), close: () => {} };
  return { host: { netlink, fd: 3 } as unknown as Netns, asked };
}

test("no device leaves the host before all are set up", async () => {
  const { host, asked } = hostThatRefuses("set vlan of virtual function 0 of pf1");
  await expect(lendDevices(plan, host, host)).rejects.toMatchObject({
    code: 7,
    message: expect.stringMatching(/^plugin\.vlan: 7 .* is refused by pf1 \(EINVAL\)/),
  });
  expect(asked).toEqual([
    "set vlan of virtual function 0 of pf0",
    "set trust of virtual function 0 of pf0",
    "set vlan of virtual function 0 of pf1",
  ]);
});
