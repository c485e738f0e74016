import { expect, test } from "vitest";
import { CniError } from "../../../lib/cni/error.ts";
import { errorObject } from "../../../lib/cni/error-object.ts";

const netnsError = Object.assign(new Error("/run/netns/x is missing"), {
  name: "NetnsError",
  reason: "missing",
});

test.each<[string, unknown, object]>([
  [
    "a namespace that cannot be entered is the caller's error",
    netnsError,
    { code: 4, msg: "CNI_NETNS: /run/netns/x is missing" },
  ],
  [
    "a sysctl that refuses is I/O",
    Object.assign(new Error('write "0" to sysctl net/x: EACCES'), { name: "SysctlError" }),
    { code: 5, msg: 'write "0" to sysctl net/x: EACCES' },
  ],
  [
    "several errors have the code of the first and the messages of all",
    new AggregateError([
      new CniError(102, "a", { details: "b" }),
      new CniError(5, "c", { details: "d" }),
      new Error("e"),
    ]),
    { code: 102, msg: "a", details: "b; c; d; internal error: e" },
  ],
  ["an aggregate of one is that one", new AggregateError([new CniError(5, "c")]), { code: 5, msg: "c" }],
  [
    "an aggregate of none is a defect",
    new AggregateError([], "none"),
    { code: 999, msg: "internal error: none" },
  ],
  [
    "what failed while undoing comes after what failed first",
    new SuppressedError(new CniError(101, "undo"), new CniError(104, "full"), "x"),
    { code: 104, msg: "full", details: "undo" },
  ],
  [
    "an error without a message is named by its class",
    new RangeError(),
    { code: 999, msg: "internal error: RangeError" },
  ],
  [
    "a message that quotes megabytes keeps its beginning and its remedy",
    new CniError(7, `name: "${"x".repeat(4_000_000)}"; write less`, { details: "y".repeat(5000) }),
    {
      code: 7,
      msg: expect.stringMatching(/^name: "x{3065}… \(3995924 characters left out\) …x{1011}"; write less$/),
      details: expect.stringMatching(/^y{3072}… \(904 characters left out\) …y{1024}$/),
    },
  ],
  [
    "a thousand errors are as long as one",
    new AggregateError(
      Array.from({ length: 1000 }, (_, i) => new CniError(5, `error ${i} ${"z".repeat(5000)}`)),
    ),
    {
      code: 5,
      msg: expect.stringMatching(/^error 0 z.*left out.*z$/),
      details: expect.stringMatching(/^error 1 z[\s\S]{3000,4200}z$/),
    },
  ],
  ["undefined is a defect too", undefined, { code: 999, msg: "internal error: undefined" }],
])("%s", (_, error, said) => {
  expect(errorObject(error, "0.4.0")).toEqual({ cniVersion: "0.4.0", ...said });
});
