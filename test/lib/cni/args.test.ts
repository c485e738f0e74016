import { describe, expect, test } from "vitest";
import { checkKnownArgs, parseArgs, parseArgsLeniently } from "../../../lib/cni/args.ts";

describe("pairs are read", () => {
  test.each([
    ["nothing", "", {}],
    ["one pair", "IP=10.0.0.1", { IP: "10.0.0.1" }],
    ["an empty value", "MAC=;IP=1", { MAC: "", IP: "1" }],
    ["the last of a repeated key", "IP=1;IP=2", { IP: "2" }],
    [
      "what Multus sends",
      "IgnoreUnknown=true;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0",
      { IgnoreUnknown: "true", K8S_POD_NAMESPACE: "default", K8S_POD_NAME: "web-0" },
    ],
    [
      "a key that objects have",
      "__proto__=x;constructor=y",
      Object.fromEntries([
        ["__proto__", "x"],
        ["constructor", "y"],
      ]),
    ],
  ])("%s", (_, text, pairs) => {
    expect([...parseArgs(text)]).toEqual(Object.entries(pairs));
  });

  test.each([
    ["a pair without =", "IP", "IP"],
    ["a pair with two =", "IP=a=b", "IP=a=b"],
    ["a pair without a key", "=b", "=b"],
    ["nothing after the last ;", "IP=1;", ""],
  ])("%s is refused", (_, text, pair) => {
    expect(() => parseArgs(text)).toThrow(
      expect.objectContaining({
        code: 4,
        message: `CNI_ARGS: invalid pair "${pair}"; write KEY=VALUE, with ; between pairs`,
      }),
    );
  });

  test("what can be read of broken ones is, where a verb must be served", () => {
    expect([...parseArgsLeniently("IP;A=b;;=c;K8S_POD_NAME=p")]).toEqual([
      ["A", "b"],
      ["K8S_POD_NAME", "p"],
    ]);
  });
});

describe("keys that nobody knows", () => {
  test.each(["1", "true", "TRUE", "True"])("are let pass with IgnoreUnknown=%s", (value) => {
    expect(() => checkKnownArgs(parseArgs(`IgnoreUnknown=${value};FOO=1`), ["IP"])).not.toThrow();
  });

  test.each(["FOO=1", "IgnoreUnknown=0;FOO=1", "IgnoreUnknown=False;FOO=1"])(
    "are refused with %s",
    (text) => {
      expect(() => checkKnownArgs(parseArgs(text), ["IP", "MAC"])).toThrow(
        expect.objectContaining({
          code: 4,
          message: 'CNI_ARGS: unknown args "FOO"; known are IP, MAC, or add IgnoreUnknown=1',
        }),
      );
    },
  );

  test("what Kubernetes adds is known", () => {
    expect(() => checkKnownArgs(parseArgs("IP=1;K8S_POD_NAME=a;K8S_POD_UID=b"), ["IP"])).not.toThrow();
  });

  test("an IgnoreUnknown that is no boolean is refused", () => {
    expect(() => parseArgs("IgnoreUnknown=yes")).toThrow(
      "CNI_ARGS: IgnoreUnknown=yes; it is one of 1, 0, true, false",
    );
  });
});
