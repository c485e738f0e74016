import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../lib/cni/json.ts";
import { parseMultiNicConf } from "../../../plugins/multi-nic/conf.ts";
import { invocationOf } from "./invocation.ts";

const parse = (attachPolicy: JsonObject | null | undefined, cni: JsonObject = {}) =>
  parseMultiNicConf(invocationOf({ ...(attachPolicy === undefined ? {} : { attachPolicy }), args: { cni } }))
    .policy;

const none = { strategy: "none", className: undefined, target: undefined };

const accepted: readonly [
  title: string,
  policy: JsonObject | null | undefined,
  cni: JsonObject,
  parsed: object | undefined,
][] = [
  [
    "no attachPolicy is no policy, whatever the pod asks for",
    undefined,
    { class: "fast", target: 7 },
    undefined,
  ],
  ["null is no policy, as Go's structures write it", null, {}, undefined],
  ["an empty one is none", {}, {}, none],
  ["none passes class and target over", { strategy: "none", class: "a" }, { target: "10" }, none],
  ["devClass takes the network's class", { strategy: "devClass", class: "a" }, {}, { className: "a" }],
  ["the pod's class comes first", { strategy: "devClass", class: "a" }, { class: "b" }, { className: "b" }],
  [
    "an empty class of the pod is not given",
    { strategy: "devClass", class: "a" },
    { class: "" },
    { className: "a" },
  ],
  [
    "costOpt takes a target",
    { strategy: "costOpt", target: "2.5Gbps" },
    {},
    { target: 2500, className: undefined },
  ],
  [
    "the pod's target comes first",
    { strategy: "perfOpt", target: "1G" },
    { target: "40G" },
    { target: 40_000 },
  ],
  [
    "a class narrows other strategies",
    { strategy: "topology", class: "a" },
    {},
    { strategy: "topology", className: "a" },
  ],
  ["topology passes a target over", { strategy: "topology", target: "much" }, {}, { target: undefined }],
  [
    "keys are matched in any case",
    { Strategy: "costOpt", TARGET: "1G" },
    {},
    { strategy: "costOpt", target: 1000 },
  ],
];

const refused: readonly [title: string, policy: JsonObject, cni: JsonObject, message: RegExp][] = [
  [
    "an unknown strategy",
    { strategy: "costopt" },
    {},
    /^attachPolicy\.strategy: "costopt" is not one of "none"/,
  ],
  [
    "devClass without a class",
    { strategy: "devClass" },
    {},
    /^attachPolicy\.class: is missing, and strategy devClass/,
  ],
  [
    "costOpt without a target",
    { strategy: "costOpt" },
    {},
    /^attachPolicy\.target: is missing, and strategy costOpt/,
  ],
  [
    "a target of no unit",
    { strategy: "costOpt", target: "10" },
    {},
    /^attachPolicy\.target: "10" is no bandwidth/,
  ],
  [
    "a pod's target of no unit",
    { strategy: "costOpt", target: "1G" },
    { target: "10" },
    /^args\.cni\.target: "10" is no/,
  ],
  ["a class that is no text", { strategy: "devClass", class: 7 }, {}, /^attachPolicy\.class: 7 is not text/],
];

describe("attachPolicy", () => {
  test.each(accepted)("accepts: %s", (_title, policy, cni, parsed) => {
    const found = parse(policy, cni);
    if (parsed === undefined) expect(found).toBeUndefined();
    else expect(found).toMatchObject(parsed);
  });

  test.each(refused)("refuses: %s", (_title, policy, cni, message) => {
    expect(() => parse(policy, cni)).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringMatching(message) }),
    );
  });
});
