import { describe, expect, test, vi } from "vitest";
import type { Invocation } from "../../../lib/cni/invocation.ts";
import type { JsonObject } from "../../../lib/cni/json.ts";
import { isStrict, refusalFor } from "../../../plugins/infra-dpu-cni/conf.ts";

const log = { info: vi.fn(), error: vi.fn() };

const invocation = (conf: JsonObject, args: Record<string, string> = {}): Invocation => ({
  command: "ADD",
  cniVersion: "0.4.0",
  network: "infra-dpu-cni",
  containerId: "pod-1",
  netns: "/run/netns/pod",
  ifname: "eth0",
  args: new Map(Object.entries(args)),
  path: [],
  conf,
  env: {},
  log,
});

const msg = "no pod network on this node: only pods with hostNetwork: true can run here";
const details =
  "pod asks for network infra-dpu-cni: set hostNetwork: true in its spec, or schedule it on another node";

describe("the refusal of an ADD", () => {
  test("names the remedy in both its texts, for runtimes show them joined or one alone", () => {
    expect(refusalFor(invocation({}))).toMatchObject({ name: "CniError", code: 100, message: msg, details });
  });

  test("names the pod where the runtime does", () => {
    const pod = { K8S_POD_NAMESPACE: "default", K8S_POD_NAME: "web-0" };
    expect(refusalFor(invocation({}, pod)).details).toBe(
      "pod default/web-0 asks for network infra-dpu-cni: set hostNetwork: true in its spec, or schedule it on another node",
    );
  });

  test("names no network where there is no configuration", () => {
    expect(refusalFor({ ...invocation({}), network: "" }).details).toMatch(
      /^pod asks for a pod network: set hostNetwork/,
    );
  });

  test.each([7, 50, 1, 100, 101, 4294967295])("has the configured code %i", (code) => {
    expect(refusalFor(invocation({ error: { code } }))).toMatchObject({ code, message: msg, details });
  });

  test("has the configured texts, in keys of any case", () => {
    const error = { Code: 7, MSG: "Not Supported", details: "Only host backed pods." };
    expect(refusalFor(invocation({ Error: error }))).toMatchObject({
      code: 7,
      message: "Not Supported",
      details: "Only host backed pods.",
    });
  });
});

describe("a field that cannot be used has its default, and the details end with why", () => {
  test.each<[string, JsonObject, string]>([
    [
      "3, which skips DEL",
      { code: 3 },
      "error.code: 3 tells the runtime that it needs no DEL; use 100, 7 or 50",
    ],
    [
      "11, which promises that a retry helps",
      { code: 11 },
      "error.code: 11 promises that trying again helps; use 100, 7 or 50",
    ],
    ["0", { code: 0 }, "error.code: 0 is not a positive 32-bit number; use 100, 7 or 50"],
    ["a negative code", { code: -1 }, "error.code: -1 is not a positive 32-bit number; use 100, 7 or 50"],
    [
      "a code beyond 32 bits",
      { code: 4294967296 },
      "error.code: 4294967296 is not a positive 32-bit number; use 100, 7 or 50",
    ],
    ["a fraction", { code: 7.5 }, "error.code: 7.5 is not a whole number; use 100 or above, 7 or 50"],
    ["a code in quotes", { code: "7" }, 'error.code: "7" is not a whole number; use 100 or above, 7 or 50'],
    ["an empty message", { msg: " " }, 'error.msg: " " is empty; leave it out or give a text'],
    ["a message that is no text", { msg: 5 }, "error.msg: 5 is not text"],
  ])("%s", (_, error, fault) => {
    expect(refusalFor(invocation({ error }))).toMatchObject({
      code: 100,
      message: msg,
      details: `${details}; ${fault}`,
    });
    expect(log.error).toHaveBeenLastCalledWith("unusable configuration", { faults: [fault] });
  });

  test("and keeps the fields beside it", () => {
    const error = { code: 3, msg: "Not Supported", details: "None." };
    expect(refusalFor(invocation({ error }))).toMatchObject({
      code: 100,
      message: "Not Supported",
      details: "None.; error.code: 3 tells the runtime that it needs no DEL; use 100, 7 or 50",
    });
  });

  test("an error that is no object is named once", () => {
    expect(refusalFor(invocation({ error: "no" })).details).toBe(`${details}; error: "no" is not an object`);
  });

  test.each([{ error: null }, { error: {} }, { error: { code: null } }])("%j is no fault", (conf) => {
    expect(refusalFor(invocation(conf)).details).toBe(details);
  });
});

describe("status", () => {
  test.each<[JsonObject, boolean]>([
    [{}, false],
    [{ status: null }, false],
    [{ status: "ready" }, false],
    [{ status: "strict" }, true],
    [{ STATUS: "strict" }, true],
  ])("%j is strict: %s", (conf, strict) => {
    expect(isStrict(conf)).toBe(strict);
  });

  test("is refused where it is neither", () => {
    expect(() => isStrict({ status: "on" })).toThrow(
      expect.objectContaining({ code: 7, message: 'status: "on" is not one of "ready", "strict"' }),
    );
  });
});
