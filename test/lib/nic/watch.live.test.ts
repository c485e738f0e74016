import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Netns, openNetns } from "../../../lib/linux/netns.ts";
import { formatCidr } from "../../../lib/net/address.ts";
import { type NicChange, type NicWatch, type WatchOptions, watchNics } from "../../../lib/nic/watch.ts";
import { makeNamespace, type Namespace } from "../../live/namespaces.ts";

let host: Namespace;
let netns: Netns;
beforeEach(() => {
  host = makeNamespace("watch");
  netns = openNetns(host.path);
});
afterEach(() => {
  netns[Symbol.dispose]();
  host[Symbol.dispose]();
});

/** What is told, in words, and a way to wait for it. */
function hearing() {
  const heard: string[] = [];
  let wake = () => {};
  const changed = (changes: readonly NicChange[]) => {
    heard.push(...changes.map(wordsOf));
    wake();
  };
  const until = async (words: string) => {
    while (!heard.includes(words)) {
      const more = new Promise<true>((resolve) => {
        wake = () => resolve(true);
      });
      const late = new Promise<false>((resolve) => setTimeout(resolve, 10_000, false));
      if (!(await Promise.race([more, late]))) throw new Error(`${words}: not told, but ${heard.join("; ")}`);
    }
  };
  return { heard, changed, until };
}

function wordsOf(change: NicChange): string {
  const nic = change.type === "vanished" ? change.before : change.nic;
  const addresses = nic.addresses.map(formatCidr).join(" ");
  return `${nic.name} ${change.type} ${nic.up ? "up" : "down"} ${addresses}`.trimEnd();
}

const options: WatchOptions = { virtual: ["eth1", "eth2"], settle: 5 };
const watching = (changed: (changes: readonly NicChange[]) => void, more: WatchOptions = {}) =>
  watchNics(netns, changed, { ...options, ...more });

describe("watchNics", () => {
  test("gives what is there, and tells of NICs that appear, change, are renamed, and vanish", async () => {
    host.ip("link add eth1 type veth peer name peer1");
    const { changed, until } = hearing();
    using watch: NicWatch = await watching(changed);
    expect(watch.nics.map(({ name }) => name)).toEqual(["eth1"]);
    host.ip("link set eth1 up");
    await until("eth1 changed up");
    host.ip("addr add 10.1.0.1/24 dev eth1");
    await until("eth1 changed up 10.1.0.1/24");
    host.ip("addr add fd01::1/64 dev eth1 nodad");
    await until("eth1 changed up 10.1.0.1/24 fd01::1/64");
    host.ip("addr del 10.1.0.1/24 dev eth1");
    await until("eth1 changed up fd01::1/64");
    host.ip("link add eth2 type veth peer name peer2");
    await until("eth2 appeared down");
    host.ip("link del eth1");
    await until("eth1 vanished up fd01::1/64");
    host.ip("link set eth2 name eth1");
    await until("eth1 changed down");
    expect(watch.nics.map(({ name }) => name)).toEqual(["eth1"]);
  });

  test("says nothing of links that are no NICs", async () => {
    host.ip("link add eth1 type veth peer name peer1");
    const { heard, changed, until } = hearing();
    using _watch = await watching(changed);
    for (let pod = 0; pod < 20; pod++) host.ip(`link add pod${pod} link peer1 type macvlan`);
    for (let pod = 0; pod < 20; pod++) host.ip(`link del pod${pod}`);
    host.ip("link set eth1 mtu 1400");
    await until("eth1 changed down");
    expect(heard).toEqual(["eth1 changed down"]);
  });

  test("follows links by their addresses, whatever they are called", async () => {
    host.ip("link add rail1 type veth peer name peer1");
    host.ip("link set rail1 up");
    const { heard, changed, until } = hearing();
    using watch = await watching(changed);
    expect(watch.nics).toEqual([]);
    await watch.follow(new Set(["10.1.0.1", "fd01::1"]));
    host.ip("addr add 10.1.0.2/24 dev rail1");
    host.ip("addr add 10.1.0.1/24 dev rail1");
    await until("rail1 appeared up 10.1.0.2/24 10.1.0.1/24");
    host.ip("link del rail1");
    await until("rail1 vanished up 10.1.0.2/24 10.1.0.1/24");
    host.ip("link add rail1 type veth peer name peer1");
    host.ip("addr add fd01::1/64 dev rail1 nodad");
    await until("rail1 appeared down fd01::1/64");
    await watch.follow(new Set());
    expect(heard.at(-1)).toBe("rail1 vanished down fd01::1/64");
  });

  test("finds by its resync what no message told", async () => {
    const { changed, until } = hearing();
    // Asked for only after it was made: the messages of a link that is no NIC are passed over.
    const virtual: string[] = [];
    using _watch = await watching(changed, { virtual, resync: 50 });
    host.ip("link add eth1 type veth peer name peer1");
    virtual.push("eth1");
    await until("eth1 appeared down");
  });

  test("is quiet when it is disposed of", async () => {
    host.ip("link add eth1 type veth peer name peer1");
    const { heard, changed } = hearing();
    const watch = await watching(changed, { resync: 20 });
    watch[Symbol.dispose]();
    watch[Symbol.dispose]();
    host.ip("link set eth1 up");
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(heard).toEqual([]);
  });
});
