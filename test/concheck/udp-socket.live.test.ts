import { describe, expect, it } from "vitest";
import { boundUdp } from "../../concheck/udp-socket.ts";
import { loadAddon, type NetnsAddon } from "../../lib/linux/addon.ts";

const { udpOfLink } = loadAddon<NetnsAddon>("netns");
const [EINVAL, ENODEV, EADDRNOTAVAIL] = [22, 19, 99];

describe("a UDP socket of a link", () => {
  it.each([
    ["127.0.0.1", "lo"],
    ["::1", "lo"],
    ["127.0.0.1", undefined],
  ])("is bound to %s of %s, when it is given back", (address, ifname) => {
    const socket = boundUdp({ address, ...(ifname === undefined ? {} : { ifname }) }, 0);
    expect(socket?.address()).toMatchObject({ address, port: expect.any(Number) });
    socket?.close();
  });

  it.each([
    ["an address of no link", "192.0.2.1", "lo"],
    ["a link that is not there", "127.0.0.1", "nothing0"],
  ])("is none for %s", (_what, address, ifname) => {
    expect(boundUdp({ address, ifname }, 0)).toBeUndefined();
  });

  it.each<[string, readonly unknown[], number]>([
    ["an address of no link", ["lo", "192.0.2.1", 0], EADDRNOTAVAIL],
    ["a link that is not there", ["nothing0", "127.0.0.1", 0], ENODEV],
    ["a name longer than a link's", ["a".repeat(16), "127.0.0.1", 0], EINVAL],
    ["a name that is very long", ["a".repeat(100_000), "127.0.0.1", 0], EINVAL],
    ["what is no address", ["lo", "127.0.0.1.1", 0], EINVAL],
    ["an address that is very long", ["lo", `::${"0".repeat(100_000)}1`, 0], EINVAL],
    ["a port past the last", ["lo", "127.0.0.1", 65_536], EINVAL],
    ["an address that is no text", ["lo", 1, 0], EINVAL],
    ["too few arguments", ["lo"], EINVAL],
  ])("is refused by the addon for %s", (_what, args, errno) => {
    expect(udpOfLink(...(args as Parameters<typeof udpOfLink>))).toBe(-errno);
  });
});
