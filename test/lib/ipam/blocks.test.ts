import { describe, expect, test } from "vitest";
import type { CniError } from "../../../lib/cni/error.ts";
import type { Block } from "../../../lib/ipam/blocks.ts";
import { computeBlocks } from "../../../lib/ipam/blocks.ts";
import { formatAddress, formatCidr, parseCidr } from "../../../lib/net/address.ts";

interface PoolText {
  subnets: string[];
  interfaceBlock: number;
  hostBlock: number;
  excludes: string[];
  hostIndex: number;
}

const usual: PoolText = {
  subnets: ["192.168.0.0/16"],
  interfaceBlock: 2,
  hostBlock: 6,
  excludes: [],
  hostIndex: 0,
};

function blocksOf(pool: Partial<PoolText>, nics: number[] = [0]): Block[][] {
  const text = { ...usual, ...pool };
  return computeBlocks(
    { ...text, subnets: text.subnets.map(parseCidr), excludes: text.excludes.map(parseCidr) },
    nics,
  );
}

function textOf(block: Block | undefined) {
  if (block === undefined) throw new Error("no block");
  const { family, first, last } = block;
  return {
    vlan: formatCidr(block.vlan),
    pod: formatCidr(block.pod),
    first: `${formatAddress({ family, value: first })}/${block.prefix}`,
    last: formatAddress({ family, value: last }),
  };
}

describe("192.168.0.0/16 with interfaceBlock 2 and hostBlock 6", () => {
  test.each([
    [0, "192.168.0.0/18", 0, "192.168.0.0/24", "192.168.0.1/18", "192.168.0.254"],
    [0, "192.168.0.0/18", 1, "192.168.1.0/24", "192.168.1.1/18", "192.168.1.254"],
    [0, "192.168.0.0/18", 63, "192.168.63.0/24", "192.168.63.1/18", "192.168.63.254"],
    [1, "192.168.64.0/18", 0, "192.168.64.0/24", "192.168.64.1/18", "192.168.64.254"],
    [1, "192.168.64.0/18", 1, "192.168.65.0/24", "192.168.65.1/18", "192.168.65.254"],
    [1, "192.168.64.0/18", 63, "192.168.127.0/24", "192.168.127.1/18", "192.168.127.254"],
    [3, "192.168.192.0/18", 0, "192.168.192.0/24", "192.168.192.1/18", "192.168.192.254"],
    [3, "192.168.192.0/18", 1, "192.168.193.0/24", "192.168.193.1/18", "192.168.193.254"],
    [3, "192.168.192.0/18", 63, "192.168.255.0/24", "192.168.255.1/18", "192.168.255.254"],
  ])("gives NIC %i %s, and of it host %i %s", (nic, vlan, hostIndex, pod, first, last) => {
    expect(textOf(blocksOf({ hostIndex }, [nic])[0]?.[0])).toEqual({ vlan, pod, first, last });
  });
});

describe("other divisions", () => {
  test.each([
    [
      "IPv6 reserves the subnet-router anycast address only",
      { subnets: ["fd00::/48"], interfaceBlock: 8, hostBlock: 8, hostIndex: 2 },
      3,
      {
        vlan: "fd00:0:0:300::/56",
        pod: "fd00:0:0:302::/64",
        first: "fd00:0:0:302::1/56",
        last: "fd00::302:ffff:ffff:ffff:ffff",
      },
    ],
    [
      "an IPv6 block may be as small as two addresses",
      { subnets: ["fd00::/120"], interfaceBlock: 0, hostBlock: 7, hostIndex: 1 },
      0,
      { vlan: "fd00::/120", pod: "fd00::2/127", first: "fd00::3/120", last: "fd00::3" },
    ],
    [
      "an IPv4 block may be as small as four addresses",
      { subnets: ["10.0.0.0/24"], interfaceBlock: 0, hostBlock: 6, hostIndex: 1 },
      0,
      { vlan: "10.0.0.0/24", pod: "10.0.0.4/30", first: "10.0.0.5/24", last: "10.0.0.6" },
    ],
    [
      "hostBlock 0 leaves the NIC's block whole, whatever the host index",
      { hostBlock: 0, hostIndex: 5 },
      1,
      { vlan: "192.168.64.0/18", pod: "192.168.64.0/18", first: "192.168.64.1/18", last: "192.168.127.254" },
    ],
    [
      "no bits at all leave the subnet whole",
      { subnets: ["10.0.0.0/8"], interfaceBlock: 0, hostBlock: 0 },
      0,
      { vlan: "10.0.0.0/8", pod: "10.0.0.0/8", first: "10.0.0.1/8", last: "10.255.255.254" },
    ],
  ])("%s", (_, pool, nic, expected) => {
    expect(textOf(blocksOf(pool, [nic])[0]?.[0])).toEqual(expected);
  });

  test("dual stack gives each NIC a block of each subnet, in their order", () => {
    const blocks = blocksOf({ subnets: ["192.168.0.0/16", "fd00::/48"] }, [1, 0]);
    expect(blocks.map((nic) => nic.map((block) => textOf(block).first))).toEqual([
      ["192.168.64.1/18", "fd00:0:0:4000::1/50"],
      ["192.168.0.1/18", "fd00::1/50"],
    ]);
  });

  test("no two blocks of NICs and hosts share an address", () => {
    const all = [0, 1, 2, 3].flatMap((nic) =>
      Array.from({ length: 64 }, (_, hostIndex) => blocksOf({ hostIndex }, [nic])[0]?.[0]),
    );
    const sorted = all.flatMap((block) => block ?? []).sort((a, b) => Number(a.first - b.first));
    expect(sorted).toHaveLength(256);
    for (const [at, block] of sorted.entries()) {
      expect(block.first).toBeGreaterThan(sorted[at - 1]?.last ?? 0n);
    }
  });
});

describe("excludes", () => {
  const excludesOf = (excludes: string[]) =>
    blocksOf({ excludes })[0]?.[0]?.excludes.map(
      ({ first, last }) =>
        `${formatAddress({ family: 4, value: first })}-${formatAddress({ family: 4, value: last })}`,
    );

  test.each([
    [
      "are sorted",
      ["192.168.0.64/30", "192.168.0.8/30"],
      ["192.168.0.8-192.168.0.11", "192.168.0.64-192.168.0.67"],
    ],
    ["that overlap become one", ["192.168.0.0/28", "192.168.0.8/29"], ["192.168.0.1-192.168.0.15"]],
    ["that touch become one", ["192.168.0.8/30", "192.168.0.12/30"], ["192.168.0.8-192.168.0.15"]],
    ["of another host's block do not count", ["192.168.1.0/24"], []],
    ["are clipped to what may be handed out", ["192.168.0.128/25"], ["192.168.0.128-192.168.0.254"]],
    ["with host bits mean their network", ["192.168.0.9/30"], ["192.168.0.8-192.168.0.11"]],
  ])("%s", (_, excludes, expected) => {
    expect(excludesOf(excludes)).toEqual(expected);
  });
});

describe("a pool is refused", () => {
  test.each([
    ["with no subnet", { subnets: [] }, [0], "subnet: none is given"],
    ["with two subnets of one family", { subnets: ["10.0.0.0/16", "10.1.0.0/16"] }, [0], "at most one IPv4"],
    [
      "with host bits set, naming the right spelling",
      { subnets: ["192.168.1.0/16"] },
      [0],
      'write "192.168.0.0/16"',
    ],
    [
      "when its bits do not fit",
      { subnets: ["192.168.0.0/26"] },
      [0],
      'do not fit into subnet "192.168.0.0/26", which has 6 bits',
    ],
    ["when a host would have a /32", { subnets: ["192.168.0.0/24"] }, [0], "would be a /32"],
    [
      "when a host would have a /31, naming the largest hostBlock",
      { subnets: ["192.168.0.0/23"] },
      [0],
      "hostBlock of at most 5",
    ],
    [
      "when a NIC would have a /31",
      { subnets: ["192.168.0.0/29"], hostBlock: 0 },
      [0],
      "take a larger subnet",
    ],
    ["when an IPv6 host would have a /128", { subnets: ["fd00::/120"] }, [0], "would be a /128"],
    [
      "when one of its families does not fit",
      { subnets: ["192.168.0.0/16", "fd00::/124"] },
      [0],
      '"fd00::/124"',
    ],
    ["with a negative hostBlock", { hostBlock: -1 }, [0], "ipam.hostBlock: -1"],
    ["with a fraction as interfaceBlock", { interfaceBlock: 1.5 }, [0], "ipam.interfaceBlock: 1.5"],
    ["with a host index beyond the block", { hostIndex: 64 }, [0], "ipam.hostIndex: 64 is outside 0..63"],
    ["with a negative host index", { hostIndex: -1 }, [0], "ipam.hostIndex: -1"],
    [
      "with an interface index beyond the block",
      {},
      [0, 4],
      "ipam.interfaceBlock: 2 has room for 4 NICs (0..3), and interface index 4",
    ],
    [
      "with a second NIC where there is no interfaceBlock",
      { interfaceBlock: 0 },
      [0, 1],
      "room for 1 NIC (0..0)",
    ],
    [
      "with excludes of another family",
      { excludes: ["fd00::/64"] },
      [0],
      '"fd00::/64" is IPv6, and no subnet is',
    ],
    [
      "with an exclude outside",
      { excludes: ["10.0.0.0/8"] },
      [0],
      '"10.0.0.0/8" is outside "192.168.0.0/16"',
    ],
    [
      "when all is excluded",
      { excludes: ["192.168.0.0/25", "192.168.0.128/25"] },
      [0],
      'leave no address of "192.168.0.0/24"',
    ],
  ])("%s", (_, pool, nics, message) => {
    const refusal = () => blocksOf(pool, nics);
    expect(refusal).toThrow(expect.objectContaining({ code: 7 } satisfies Partial<CniError>));
    expect(refusal).toThrow(message);
  });
});
