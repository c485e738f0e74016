import { describe, expect, test } from "vitest";
import { networkFile, statePaths } from "../../../lib/linux/paths.ts";

const defaults = {
  dir: "/run/multi-nic-cni",
  networks: "/run/multi-nic-cni/networks",
  classes: "/run/multi-nic-cni/classes.json",
  database: "/run/multi-nic-cni/state.db",
  locks: "/run/multi-nic-cni/locks",
  log: "/var/log/multi-nic-cni.log",
};

describe("state paths", () => {
  test.each([
    ["are the defaults in an empty environment", {}, defaults],
    ["are the defaults where the folder's variable is empty", { MULTI_NIC_CNI_STATE_DIR: "" }, defaults],
    [
      "are in the folder that is named",
      { MULTI_NIC_CNI_STATE_DIR: "/tmp/state/" },
      {
        ...defaults,
        dir: "/tmp/state/",
        networks: "/tmp/state/networks",
        classes: "/tmp/state/classes.json",
        database: "/tmp/state/state.db",
        locks: "/tmp/state/locks",
      },
    ],
    ["have the log that is named", { MULTI_NIC_CNI_LOG_FILE: "/tmp/log" }, { ...defaults, log: "/tmp/log" }],
    ["have no log for an empty name", { MULTI_NIC_CNI_LOG_FILE: "" }, { ...defaults, log: undefined }],
    ["have no log for off", { MULTI_NIC_CNI_LOG_FILE: "off" }, { ...defaults, log: undefined }],
  ])("%s", (_name, env: Record<string, string>, paths) => {
    expect(statePaths(env)).toEqual(paths);
  });
});

describe("a network's node file", () => {
  test("has the network's name", () => {
    expect(networkFile(statePaths({}), "rail.net_1")).toBe("/run/multi-nic-cni/networks/rail.net_1.json");
  });

  test.each(["", ".", "..", "a/b", "../a", "a\0"])("is refused for %j, which is no file name", (network) => {
    expect(() => networkFile(statePaths({}), network)).toThrow(RangeError);
  });
});
