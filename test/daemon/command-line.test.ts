import { describe, expect, test } from "vitest";
import { parseCommand } from "../../daemon/command-line.ts";

describe("the arguments of multi-nicd", () => {
  const stateDir = "/run/multi-nic-cni";
  const serve = {
    verb: "serve",
    stateDir,
    metrics: undefined,
    drain: 30_000,
    cluster: undefined,
    node: "n1",
    renumber: false,
    nics: [],
  };
  const rows: readonly (readonly [args: string, expected: object])[] = [
    ["", serve],
    ["serve", serve],
    ["--state-dir /s", { ...serve, stateDir: "/s" }],
    ["--drain 5", { ...serve, drain: 5000 }],
    ["--metrics 127.0.0.1:9417", { ...serve, metrics: { host: "127.0.0.1", port: 9417 } }],
    ["--metrics [::1]:1", { ...serve, metrics: { host: "::1", port: 1 } }],
    ["--nic eth1 --nic eth2", { ...serve, nics: ["eth1", "eth2"] }],
    ["status", { verb: "status", stateDir, json: false }],
    ["status --json --state-dir /s", { verb: "status", stateDir: "/s", json: true }],
    ["--cluster c.yaml --node me --renumber", { ...serve, cluster: "c.yaml", node: "me", renumber: true }],
    ["routes --json", { verb: "routes", stateDir, json: true }],
    ["plan c.yaml", { verb: "plan", file: "c.yaml", from: undefined, renumber: false, json: false }],
    [
      "plan c.yaml --from b.yaml --renumber --json",
      { verb: "plan", file: "c.yaml", from: "b.yaml", renumber: true, json: true },
    ],
    ["cleanup --dry-run", { verb: "cleanup", stateDir, dryRun: true }],
    ["--cleanup", { verb: "cleanup", stateDir, dryRun: false }],
    ["--cleanup --dry-run --state-dir /s", { verb: "cleanup", stateDir: "/s", dryRun: true }],
    ["nics --all", { verb: "nics", args: ["--all"] }],
    ["--help", { verb: "help" }],
    ["status --version", { verb: "version" }],
  ];
  test.each(rows)("%s", (args, expected) => {
    expect(parseCommand(args.split(" ").filter(Boolean), { NODE_NAME: "n1" })).toEqual(expected);
  });

  test("the state folder is that of the plugins", () => {
    expect(parseCommand([], { MULTI_NIC_CNI_STATE_DIR: "/elsewhere" })).toMatchObject({
      stateDir: "/elsewhere",
    });
  });

  const wrong: readonly (readonly [args: string, says: RegExp])[] = [
    ["serv", /"serv" is not serve, status/],
    ["serve now", /"now" after serve/],
    ["plan", /plan: name the cluster file/],
    ["plan a b", /"b" after plan/],
    ["plan a --drain 5", /--drain does not go with plan/],
    ["status --cluster x", /--cluster does not go with status/],
    ["status --nic eth1", /--nic does not go with status/],
    ["--cleanup --drain 5", /--drain does not go with cleanup/],
    ["serve --cleanup", /--cleanup does not go with serve/],
    ["--drain soon", /--drain: "soon"/],
    ["--metrics 0.0.0.0:9417", /--metrics: "0\.0\.0\.0:9417" is not an address of loopback/],
    ["--metrics 10.0.0.1:80", /loopback/],
    ["--metrics 127.0.0.1:99999", /loopback/],
    ["--metrics 127.0.0.1", /loopback/],
    ["--port 1", /--port/],
  ];
  test.each(wrong)("%s is refused", (args, says) => {
    expect(() => parseCommand(args.split(" "), {})).toThrow(says);
  });
});
