import { describe, expect, test } from "vitest";
import { testStore } from "./store-fixture.ts";
import { attachment } from "./store-records.ts";

const plan = (...masters: readonly string[]) =>
  JSON.stringify({ links: masters.map((master) => ({ master })) });

describe("the load of the host's links", () => {
  test("is none of an empty store", () => {
    expect(testStore().read((tx) => tx.load())).toEqual(new Map());
  });

  test("counts the attachments of all networks by master, without those that are being undone", () => {
    const store = testStore();
    const rows = [
      attachment("a", { plan: plan("eth1", "eth2") }),
      attachment("b", { plan: plan("eth1"), network: "other", state: "adding" }),
      attachment("c", { plan: plan("eth1"), state: "deleting" }),
    ];
    store.write((tx) => rows.forEach((row) => void tx.insert(row)));
    expect(store.read((tx) => tx.load())).toEqual(
      new Map([
        ["eth1", 2],
        ["eth2", 1],
      ]),
    );
  });

  test("passes over plans that are not made yet, of other kinds, or damaged", () => {
    const store = testStore();
    const plans = ["", "{}", "{", '{"links": 3}', '{"links": [3, null, {}, "x"]}', plan("eth1")];
    store.write((tx) => plans.forEach((text, at) => void tx.insert(attachment(`c${at}`, { plan: text }))));
    expect(store.read((tx) => tx.load())).toEqual(new Map([["eth1", 1]]));
  });
});
