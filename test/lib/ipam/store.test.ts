import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Store } from "../../../lib/ipam/store.ts";
import { formatAddress, parseAddress } from "../../../lib/net/address.ts";
import { testFolder, testStore } from "./store-fixture.ts";
import { attachment, blockOf } from "./store-records.ts";

const block = blockOf("10.0.0.0/29"); // .1 to .6
const seconds = (n: number) => n * 1000;

function lease(store: Store, containerId: string, now = 0, requested?: string, from = block): string {
  return store.write((tx) => {
    const id = tx.insert(attachment(containerId));
    const wish = requested === undefined ? {} : { requested: parseAddress(requested) };
    return tx
      .allocate(id, [{ nic: 0, block: from, ...wish }], now)
      .map((each) => formatAddress(each.address))
      .join();
  });
}

function release(store: Store, containerId: string, now = 0): void {
  store.write((tx) => {
    const record = tx.find(attachment(containerId));
    if (record !== undefined) tx.release(record.id, now);
  });
}

describe("an attachment", () => {
  test("is found by its key, as it was recorded", () => {
    const store = testStore();
    const whole = attachment("a", {
      netns: "/run/netns/a",
      netnsId: "4:1",
      state: "adding",
      pidStart: "7@p",
    });
    const id = store.write((tx) => tx.insert(whole));
    expect(store.read((tx) => tx.find(whole))).toEqual({ ...whole, id });
    expect(store.read((tx) => tx.find({ ...whole, ifname: "net2" }))).toBeUndefined();
    expect(store.read((tx) => tx.find({ ...whole, network: "other" }))).toBeUndefined();
  });

  test("cannot be recorded twice", () => {
    const store = testStore();
    store.write((tx) => tx.insert(attachment("a")));
    expect(() => store.write((tx) => tx.insert(attachment("a")))).toThrow(
      expect.objectContaining({ code: 105, message: expect.stringContaining('container "a"') }),
    );
  });

  test("takes a plan, and is ready once", () => {
    const store = testStore();
    const id = store.write((tx) => tx.insert(attachment("a", { state: "adding" })));
    store.write((tx) => tx.setPlan(id, "{}"));
    expect(store.read((tx) => tx.find(attachment("a")))).toMatchObject({ plan: "{}", state: "adding" });
    expect(store.write((tx) => tx.markReady(id))).toBe(true);
    expect(store.read((tx) => tx.find(attachment("a")))).toMatchObject({ plan: "{}", state: "ready" });
    expect(store.write((tx) => tx.markReady(id))).toBe(false);
  });

  test("never becomes ready while something undoes it, nor when it is gone", () => {
    const store = testStore();
    const id = store.write((tx) => tx.insert(attachment("a", { state: "adding" })));
    store.write((tx) => tx.markDeleting(id, { pid: 7, pidStart: "8@9" }));
    expect(store.write((tx) => tx.markReady(id))).toBe(false);
    expect(store.read((tx) => tx.find(attachment("a")))).toMatchObject({
      state: "deleting",
      pid: 7,
      pidStart: "8@9",
    });
    release(store, "a");
    expect(store.write((tx) => tx.markReady(id))).toBe(false);
  });

  test("never gets the number of an earlier one", () => {
    const store = testStore();
    const first = store.write((tx) => tx.insert(attachment("a")));
    release(store, "a");
    expect(store.write((tx) => tx.insert(attachment("a")))).toBeGreaterThan(first);
  });

  test("is listed with those of its network, oldest first", () => {
    const store = testStore();
    for (const name of ["b", "a"]) store.write((tx) => tx.insert(attachment(name)));
    store.write((tx) => tx.insert(attachment("c", { network: "other" })));
    const names = (network?: string) =>
      store.read((tx) => tx.attachments(network)).map(({ containerId }) => containerId);
    expect(names("net")).toEqual(["b", "a"]);
    expect(names()).toEqual(["b", "a", "c"]);
    expect(names("none")).toEqual([]);
  });

  test("leaves nothing behind when its transaction fails", () => {
    const store = testStore();
    const failing = () =>
      store.write((tx) => {
        tx.allocate(tx.insert(attachment("a")), [{ nic: 0, block }], 0);
        throw new Error("kernel said no");
      });
    expect(failing).toThrow("kernel said no");
    expect(store.read((tx) => tx.attachments())).toEqual([]);
    expect(lease(store, "b")).toBe("10.0.0.1");
  });
});

describe("leases", () => {
  test("are one for each request, with the vlan's prefix, in the order of the requests", () => {
    const store = testStore();
    const six = blockOf("fd00::/64");
    const id = store.write((tx) => tx.insert(attachment("a")));
    const leases = store.write((tx) =>
      tx.allocate(
        id,
        [
          { nic: 1, block: six },
          { nic: 0, block },
          { nic: 1, block },
        ],
        0,
      ),
    );
    expect(leases.map(({ nic, address, prefix }) => [nic, `${formatAddress(address)}/${prefix}`])).toEqual([
      [1, "fd00::1/64"],
      [0, "10.0.0.1/29"],
      [1, "10.0.0.2/29"],
    ]);
    expect(store.read((tx) => tx.leasesOf(id))).toEqual([leases[1], leases[2], leases[0]]);
  });

  test("are all given or none", () => {
    const store = testStore();
    for (const name of ["a", "b", "c", "d", "e"]) lease(store, name);
    const two = () =>
      store.write((tx) =>
        tx.allocate(
          tx.insert(attachment("f")),
          [0, 1].map((nic) => ({ nic, block })),
          0,
        ),
      );
    expect(two).toThrow(expect.objectContaining({ code: 104 }));
    expect(lease(store, "f")).toBe("10.0.0.6");
  });

  test("of different networks do not meet", () => {
    const store = testStore();
    lease(store, "a");
    const other = store.write((tx) =>
      tx.allocate(tx.insert(attachment("a", { network: "other" })), [{ nic: 0, block }], 0),
    );
    expect(other.map((each) => formatAddress(each.address))).toEqual(["10.0.0.1"]);
  });

  test("run out with an error that names block, network and remedy", () => {
    const store = testStore();
    for (const name of ["a", "b", "c", "d", "e", "f"]) lease(store, name);
    expect(() => lease(store, "g")).toThrow(
      expect.objectContaining({
        code: 104,
        message: expect.stringMatching(/10\.0\.0\.0\/29 \(network "net".*all 6 are leased; delete pods/),
      }),
    );
  });

  test("are counted, and what cools down is free", () => {
    const store = testStore();
    const partly = blockOf("10.0.0.0/29", ["10.0.0.4/31"]);
    const free = (of = partly) => store.read((tx) => tx.freeCount("net", of));
    expect(free()).toBe(4n);
    lease(store, "a");
    lease(store, "b", 0, "10.0.0.5"); // leased before it was excluded
    expect(free()).toBe(3n);
    expect(free(block)).toBe(4n);
    release(store, "a");
    expect(free()).toBe(4n);
  });
});

describe("a released address", () => {
  test("is kept back while others are free, across the end of the block", () => {
    const store = testStore();
    expect(["a", "b", "c", "d"].map((name) => lease(store, name))).toEqual(
      [1, 2, 3, 4].map((n) => `10.0.0.${n}`),
    );
    release(store, "a", seconds(1));
    expect([lease(store, "e", seconds(2)), lease(store, "f", seconds(2))]).toEqual(["10.0.0.5", "10.0.0.6"]);
    expect(lease(store, "g", seconds(2))).toBe("10.0.0.1");
  });

  test("is an equal of the free ones when it has cooled down", () => {
    const store = testStore();
    for (const name of ["a", "b", "c", "d", "e"]) lease(store, name);
    release(store, "b", seconds(1));
    expect(lease(store, "f", seconds(60.9))).toBe("10.0.0.6");
    release(store, "a", seconds(60));
    expect(lease(store, "g", seconds(61))).toBe("10.0.0.2");
  });

  test("goes out by age when only such are left", () => {
    const store = testStore();
    for (const name of ["a", "b", "c", "d", "e", "f"]) lease(store, name);
    for (const [at, name] of ["d", "a", "f"].entries()) release(store, name, seconds(at));
    expect(["g", "h", "i"].map((name) => lease(store, name, seconds(5)))).toEqual([
      "10.0.0.4",
      "10.0.0.1",
      "10.0.0.6",
    ]);
  });

  test("stays back when it is excluded meanwhile", () => {
    const store = testStore();
    for (const name of ["a", "b", "c", "d", "e", "f"]) lease(store, name);
    release(store, "a", seconds(1));
    release(store, "b", seconds(2));
    const without = blockOf("10.0.0.0/29", ["10.0.0.1/32"]);
    expect(lease(store, "g", seconds(3), undefined, without)).toBe("10.0.0.2");
    expect(() => lease(store, "h", seconds(3), undefined, without)).toThrow("no free address");
  });

  test("is given at once to whoever asks for it", () => {
    const store = testStore();
    lease(store, "a");
    release(store, "a", 0);
    expect(lease(store, "b", 1, "10.0.0.1")).toBe("10.0.0.1");
  });
});

describe("a requested address", () => {
  test("does not move the order of the others", () => {
    const store = testStore();
    lease(store, "a");
    lease(store, "b", 0, "10.0.0.5");
    expect(lease(store, "c")).toBe("10.0.0.2");
  });

  test("is not taken by another request of the same call", () => {
    const store = testStore();
    const leases = store.write((tx) =>
      tx.allocate(
        tx.insert(attachment("a")),
        [
          { nic: 0, block },
          { nic: 1, block, requested: parseAddress("10.0.0.1") },
        ],
        0,
      ),
    );
    expect(leases.map((each) => formatAddress(each.address))).toEqual(["10.0.0.2", "10.0.0.1"]);
  });

  test.each([
    ["that is taken names the holder", "10.0.0.1", 103, 'held by container "a", interface "net1"'],
    ["below the block names the block", "9.255.255.255", 7, "outside 10.0.0.0/29"],
    ["above the block names the block", "10.0.0.8", 7, "outside 10.0.0.0/29"],
    ["of another family is outside", "::5", 7, '"::5" is outside 10.0.0.0/29'],
    ["that is the network's is reserved", "10.0.0.0", 7, "reserved in 10.0.0.0/29"],
    ["that is the broadcast address is reserved", "10.0.0.7", 7, "reserved in 10.0.0.0/29"],
    ["that is excluded says so", "10.0.0.4", 7, "in ipam.excludeCIDRs"],
  ])("%s", (_, requested, code, message) => {
    const store = testStore();
    const partly = blockOf("10.0.0.0/29", ["10.0.0.4/32"]);
    lease(store, "a", 0, undefined, partly);
    const refused = () => lease(store, "b", 0, requested, partly);
    expect(refused).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
    expect(store.read((tx) => tx.find(attachment("b")))).toBeUndefined();
  });
});

test("what one connection writes another one reads", () => {
  const folder = testFolder();
  const [one, other] = [testStore(folder), testStore(folder)];
  lease(one, "a");
  expect(lease(other, "b")).toBe("10.0.0.2");
  expect(one.read((tx) => tx.attachments())).toHaveLength(2);
});

test.each(["with spaces", "50%20off", "what?mode=memory", "a#b", "día", "a&b=c"])(
  "the database is where it was asked for, in a folder named %j",
  (name) => {
    const folder = testFolder();
    testStore(join(folder, name)).write((tx) => tx.insert(attachment("a")));
    expect(readdirSync(folder)).toEqual([name]);
    expect(testStore(join(folder, name)).read((tx) => tx.attachments())).toHaveLength(1);
  },
);
