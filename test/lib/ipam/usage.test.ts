import { expect, test } from "vitest";
import { testStore } from "./store-fixture.ts";
import { attachment, blockOf } from "./store-records.ts";

test("usage counts leases, and the addresses of the blocks they came from, by network and family", () => {
  const store = testStore();
  const take = (network: string, containerId: string, ...blocks: string[]) =>
    store.write((tx) => {
      const id = tx.insert(attachment(containerId, { network }));
      tx.allocate(
        id,
        blocks.map((text, nic) => ({ nic, block: blockOf(text) })),
        0,
      );
    });
  expect(store.read((tx) => tx.usage())).toEqual([]);
  take("n1", "a", "10.0.0.0/29", "10.0.1.0/29", "fd00::/64");
  take("n1", "b", "10.0.0.0/29");
  take("n2", "a", "10.0.0.0/29");
  expect(store.read((tx) => tx.usage())).toEqual([
    { network: "n1", family: 4, leases: 3, addresses: 12n },
    { network: "n1", family: 6, leases: 1, addresses: 2n ** 64n - 1n },
    { network: "n2", family: 4, leases: 1, addresses: 6n },
  ]);
  store.write((tx) => tx.release(tx.find(attachment("a", { network: "n2" }))?.id ?? 0, 0));
  expect(store.read((tx) => tx.usage()).at(-1)).toMatchObject({ network: "n2", leases: 0 });
});
