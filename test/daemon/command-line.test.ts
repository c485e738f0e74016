import { describe, expect, test } from "vitest";
import { parseCommand } from "../../daemon/command-line.ts";

describe("the arguments of multi-nicd", () => {
  const stateDir = "/run/multi-nic-cni";
  const serve = { verb: "serve", stateDir, metrics: undefined, drain: 30_000 };
  const rows: readonly (readonly [args: string, expected: object])[] = [
    ["", serve],
    ["serve", serve],
    ["--state-dir /s", { ...serve, stateDir: "/s" }],
    ["--drain 5", { ...serve, drain: 5000 }],
    ["--metrics 127.0.0.1:9417", { ...serve, metrics: { host: "127.0.0.1", port: 9417 } }],
    ["--metrics [::1]:1", { ...serve, metrics: { host: "::1", port: 1 } }],
    ["status", { verb: "status", stateDir, json: false }],
    ["status --json --state-dir /s", { verb: "status", stateDir: "/s", json: true }],
    ["--help", { verb: "help" }],
    ["status --version", { verb: "version" }],
  ];
  test.each(rows)("%s", (args, expected) => {
    expect(parseCommand(args.split(" ").filter(Boolean), {})).toEqual(expected);
  });

  test("the state folder is that of the plugins", () => {
    expect(parseCommand([], { MULTI_NIC_CNI_STATE_DIR: "/elsewhere" })).toMatchObject({
      stateDir: "/elsewhere",
    });
  });

  const wrong: readonly (readonly [args: string, says: RegExp])[] = [
    ["serv", /"serv" is not serve/],
    ["serve now", /"now" after serve/],
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
