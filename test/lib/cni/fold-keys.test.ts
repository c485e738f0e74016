import { expect, test } from "vitest";
import * as z from "zod/mini";
import { foldKeys } from "../../../lib/cni/fold-keys.ts";

const Conf = z.looseObject({
  subnet: z.optional(z.string()),
  ipam: z.optional(z.nullable(z.looseObject({ rangeStart: z.optional(z.string()) }))),
  routes: z.optional(z.array(z.looseObject({ dst: z.string() }))),
  perMaster: z.optional(z.record(z.string(), z.looseObject({ mtu: z.number() }))),
  either: z.optional(z.union([z.string(), z.looseObject({ deviceID: z.string() })])),
  piped: z.optional(
    z.pipe(
      z.looseObject({ mode: z.string() }),
      z.transform((one) => one),
    ),
  ),
});

const fold = (text: string) => foldKeys(Conf, JSON.parse(text));

test.each([
  ["a key in capitals is the schema's", '{"SUBNET":"a"}', { subnet: "a" }],
  ["a nested one too", '{"Ipam":{"RANGESTART":"b"}}', { ipam: { rangeStart: "b" } }],
  ["and one in a list", '{"routes":[{"Dst":"a"},{"DST":"b"}]}', { routes: [{ dst: "a" }, { dst: "b" }] }],
  [
    "keys of a record are data and stay",
    '{"PerMaster":{"Eth0":{"MTU":1}}}',
    { perMaster: { Eth0: { mtu: 1 } } },
  ],
  ["one side of a union", '{"either":{"DEVICEid":"x"}}', { either: { deviceID: "x" } }],
  ["the way in of a pipe", '{"PIPED":{"MODE":"l2"}}', { piped: { mode: "l2" } }],
  ["the exact spelling wins, wherever it is", '{"subnet":"a","SUBNET":"b"}', { subnet: "a" }],
  ["the exact spelling wins, in the other order", '{"SUBNET":"b","subnet":"a"}', { subnet: "a" }],
  ["else the last one wins", '{"SUBNET":"a","Subnet":"b"}', { subnet: "b" }],
  ["unknown keys stay as they are", '{"Foo":{"SUBNET":"a"}}', { Foo: { SUBNET: "a" } }],
  ["null is left out where the schema takes none", '{"subnet":null}', {}],
  ["null stays where the schema takes it", '{"ipam":null}', { ipam: null }],
  ["null stays in what the schema does not know", '{"foo":null}', { foo: null }],
  ["what is of another kind is left for the schema to refuse", '{"ROUTES":"no"}', { routes: "no" }],
])("%s", (_, text, folded) => {
  expect(fold(text)).toEqual(folded);
});

test.each(['{"__proto__":{"subnet":"x"},"ipam":{}}', '{"ipam":{"__proto__":{"rangeStart":"x"}}}'])(
  "%s changes no prototype, before or after the schema",
  (text) => {
    const parsed = Conf.parse(fold(text));
    expect(parsed).toEqual({ ipam: {} });
    expect(parsed.subnet).toBeUndefined();
    expect(parsed.ipam?.rangeStart).toBeUndefined();
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
  },
);

test("a key that every object has is not taken for one of the schema", () => {
  expect(fold('{"constructor":1,"toString":2}')).toEqual({ constructor: 1, toString: 2 });
});
