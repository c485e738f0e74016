import { expect, test } from "vitest";
import { encodeBody, findAttribute, nest, text, viewOf } from "../../../../lib/netlink/codec.ts";
import { IFLA_IFNAME } from "../../../../lib/netlink/constants.ts";
import { NetlinkError } from "../../../../lib/netlink/error.ts";
import { setVf } from "../../../../lib/netlink/message/vf.ts";
import type { Netlink } from "../../../../lib/netlink/socket.ts";
import type { HostDevice } from "../../../../plugins/multi-nic/device/device.ts";
import { findVf } from "../../../../plugins/multi-nic/device/vf.ts";
import { writeTree } from "../../../doctor/captured.ts";

/** A link of the host: its name, its ifindex, and the MAC that it keeps of virtual function 1, where it has such. */
type HostLink = readonly [name: string, index: number, mac?: string];

/** Answers getVfs alone. */
function netlinkOf(links: readonly HostLink[]): Netlink {
  const answer = (body: Uint8Array) => {
    const index = viewOf(body).getInt32(4, true);
    const name = findAttribute(body, IFLA_IFNAME, 16);
    const asked = name && Buffer.from(name).toString().replace(/\0$/, "");
    const link = links.find((each) => (asked === undefined ? each[1] === index : each[0] === asked));
    if (link === undefined) throw new NetlinkError(19, { request: "", index: 0, explanation: "" });
    return [{ type: 16, flags: 0, seq: 0, port: 0, body: described(link) }];
  };
  return { request: async (requests) => requests.map(({ body }) => answer(body)), close: () => {} };
}

function described([name, index, mac]: HostLink): Uint8Array {
  const header = new Uint8Array(16);
  viewOf(header).setInt32(4, index, true);
  const [kept] = mac === undefined ? [] : setVf({ pf: name, pfIndex: index, number: 1 }, { mac });
  const infos = kept === undefined ? [] : [nest(22, [{ type: 1, value: kept.body.subarray(24) }])];
  return encodeBody(header, [text(IFLA_IFNAME, name), ...infos]);
}

const [mine, other] = ["02:00:00:00:00:01", "02:00:00:00:00:99"];
const pfFolder = "/sys/devices/pci0000:00/0000:01:00.0";
const device: HostDevice = {
  folder: "pci0000:00/0000:01:10.2",
  pciID: "0000:01:10.2",
  mtu: 1500,
  up: false,
  group: 0,
  alias: "",
  altNames: [],
  vf: { pf: "eth0", pfIndex: 2, number: 1, was: {} },
};

/** A machine with the virtual function, whose physical one has these links. */
const sysWith = (...pfs: readonly string[]): string =>
  `${writeTree({
    ...Object.fromEntries(pfs.map((name) => [`${pfFolder}/net/${name}/ifindex`, "0\n"])),
    [`${pfFolder}/virtfn1`]: { link: "../0000:01:10.2" },
    "/sys/devices/pci0000:00/0000:01:10.2/physfn": { link: "../0000:01:00.0" },
  })}/sys`;

test.each<[string, string[], HostLink[], string, number]>([
  ["under its name", ["eth0"], [["eth0", 2, mine]], "eth0", 2],
  ["under another name", ["wan0"], [["wan0", 2, mine]], "wan0", 2],
  [
    "under another name, its own being another's",
    ["wan0"],
    [
      ["wan0", 2, mine],
      ["eth0", 5, other],
    ],
    "wan0",
    2,
  ],
  ["with another ifindex", ["eth0"], [["eth0", 7, mine]], "eth0", 7],
  [
    "with another ifindex, its own being another's",
    ["eth0"],
    [
      ["eth0", 7, mine],
      ["eth9", 2, other],
    ],
    "eth0",
    7,
  ],
  [
    "beside its representors",
    ["rep0", "wan0"],
    [
      ["rep0", 8],
      ["wan0", 2, mine],
    ],
    "wan0",
    2,
  ],
])("a physical function is found %s", async (_title, pfs, links, pf, pfIndex) => {
  const found = await findVf(device, { sys: sysWith(...pfs), netlink: netlinkOf(links) });
  expect(found).toEqual({ pf, pfIndex, number: 1, now: { mac: mine } });
});

test("nothing is kept of a virtual function that is gone", async () => {
  const sys = `${writeTree({ [`${pfFolder}/net/eth0/ifindex`]: "2\n" })}/sys`;
  expect(await findVf(device, { sys, netlink: netlinkOf([["eth0", 2]]) })).toBeUndefined();
});

test("a virtual function whose physical one is in another namespace is an error, and no other link's", async () => {
  const netlink = netlinkOf([["eth0", 3, other]]);
  await expect(findVf(device, { sys: sysWith(), netlink })).rejects.toMatchObject({
    code: 11,
    message: expect.stringMatching(
      /^virtual function 1 of eth0 \(0000:01:10\.2\) cannot be set up.*bring that back/,
    ),
  });
});
