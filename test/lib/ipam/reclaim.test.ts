import { renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { isElsewhere, isNetnsGone, ownProcess, reclaim } from "../../../lib/ipam/reclaim.ts";
import type { AttachmentRecord, NewAttachment } from "../../../lib/ipam/record.ts";
import { namespaceId } from "../../../lib/linux/namespace-id.ts";
import { testFolder, testStore } from "./store-fixture.ts";
import { attachment, blockOf } from "./store-records.ts";

/** Any file stands in for a namespace: what counts is device and inode. */
function fakeNetns(): { netns: string; netnsId: string } {
  const netns = join(testFolder(), "netns");
  writeFileSync(netns, "");
  return { netns, netnsId: namespaceId(netns) ?? "" };
}

function record(change: Partial<NewAttachment>): AttachmentRecord {
  return { ...attachment("a", { ...fakeNetns(), ...ownProcess(), ...change }), id: 1 };
}

describe("isNetnsGone", () => {
  test("is not said where the namespace is there, whatever has become of the process", () => {
    expect(isNetnsGone(record({}))).toBe(false);
    expect(isNetnsGone(record({ state: "adding", pid: 2147483647 }))).toBe(false);
  });

  test("is said where the namespace is gone", () => {
    const netns = fakeNetns();
    rmSync(netns.netns);
    expect(isNetnsGone(record(netns))).toBe(true);
  });

  test("is said where another namespace lies at its path", () => {
    const netns = fakeNetns();
    writeFileSync(`${netns.netns}.new`, "");
    renameSync(`${netns.netns}.new`, netns.netns);
    expect(isNetnsGone(record(netns))).toBe(true);
  });

  test("is not said where that cannot be told", () => {
    const netns = join(testFolder(), "loop");
    symlinkSync(netns, netns);
    expect(isNetnsGone(record({ netns, netnsId: "1:1" }))).toBe(false);
  });
});

describe("isElsewhere", () => {
  const alias = (netns: string) => {
    symlinkSync(netns, `${netns}.alias`);
    return `${netns}.alias`;
  };
  const gone = (netns: string) => {
    rmSync(netns);
    return "/nonexistent";
  };
  test.each<[string, boolean, (netns: string) => string]>([
    ["another path", true, () => "/nonexistent"],
    ["another namespace", true, () => fakeNetns().netns],
    ["its own path", false, (netns) => netns],
    ["another path of its own namespace", false, alias],
    ["no path", false, () => ""],
    ["another path, while its own leads nowhere", false, gone],
  ])("of an attachment, for a call that names %s: %s", (_, elsewhere, named) => {
    const netns = fakeNetns();
    expect(isElsewhere(record(netns), named(netns.netns))).toBe(elsewhere);
  });
});

test("reclaim releases those of one owner and network whose namespace is gone", () => {
  const store = testStore();
  const block = blockOf("10.0.0.0/24");
  const gone = { netns: "/nonexistent", netnsId: "1:1" };
  const all: NewAttachment[] = [
    attachment("gone", gone),
    attachment("kept", fakeNetns()),
    attachment("foreign", { ...gone, owner: "multi-nic" }),
    attachment("elsewhere", { ...gone, network: "other" }),
  ];
  store.write((tx) => {
    for (const each of all) tx.allocate(tx.insert(each), [{ nic: 0, block }], 0);
  });
  const freed = store.write((tx) => reclaim(tx, "net", "multi-nic-ipam", 0));
  expect(freed.map(({ containerId }) => containerId)).toEqual(["gone"]);
  const left = store.read((tx) => tx.attachments());
  expect(left.map(({ containerId }) => containerId)).toEqual(["kept", "foreign", "elsewhere"]);
});
