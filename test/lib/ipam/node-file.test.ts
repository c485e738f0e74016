import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readNodeFile, requireSameNodeFile } from "../../../lib/ipam/node-file.ts";
import type { StatePaths } from "../../../lib/linux/paths.ts";
import { statePaths } from "../../../lib/linux/paths.ts";
import { testFolder } from "./store-fixture.ts";

function pathsWith(text?: string): StatePaths {
  const paths = statePaths({ MULTI_NIC_CNI_STATE_DIR: testFolder() });
  mkdirSync(paths.networks);
  if (text !== undefined) writeFileSync(join(paths.networks, "net.json"), text);
  return paths;
}

test.each([
  ["with the host index alone", '{"hostIndex": 3}', { hostIndex: 3 }],
  [
    "with masters",
    '{"hostIndex": 0, "masters": [{"name": "eth1", "interfaceIndex": 1}]}',
    { hostIndex: 0, masters: [{ name: "eth1", interfaceIndex: 1 }] },
  ],
  ["with keys of a later release", '{"hostIndex": 0, "more": 1}', { hostIndex: 0, more: 1 }],
])("a node file %s is read", (_, text, expected) => {
  expect(readNodeFile(pathsWith(text), "net")).toEqual(expected);
});

test.each<[string, string | undefined, string | undefined]>([
  ["another", '{"hostIndex": 3}', '{"hostIndex": 7}'],
  ["gone", '{"hostIndex": 3}', undefined],
  ["new", undefined, '{"hostIndex": 3}'],
  ["broken", '{"hostIndex": 3}', '{"hostIndex":'],
])("a node file that is %s since it was read is told, and how to go on", (_, before, after) => {
  const read = readNodeFile(pathsWith(before), "net");
  expect(() => requireSameNodeFile(pathsWith(after), "net", read)).toThrow(
    expect.objectContaining({
      code: 11,
      message: expect.stringMatching(/^node file ".*net\.json" .*try again$/),
    }),
  );
});

test.each([
  ["there", '{"hostIndex": 3}'],
  ["missing", undefined],
])("a node file that is %s as before will do", (_, text) => {
  const read = readNodeFile(pathsWith(text), "net");
  expect(() => requireSameNodeFile(pathsWith(text), "net", read)).not.toThrow();
});

test("a missing node file is none", () => {
  expect(readNodeFile(pathsWith(), "net")).toBeUndefined();
});

test.each([
  ["empty", "", "is not JSON"],
  ["cut off", '{"hostIndex": ', "is not JSON"],
  ["without a host index", "{}", "hostIndex: missing"],
  ["with text as host index", '{"hostIndex": "3"}', 'hostIndex: "3" is not'],
  ["with a negative host index", '{"hostIndex": -1}', "hostIndex: -1"],
  [
    "with a master that has no index",
    '{"hostIndex": 0, "masters": [{"name": "eth1"}]}',
    "interfaceIndex: missing",
  ],
  [
    "with one index for two masters",
    '{"hostIndex": 0, "masters": [{"name": "eth1", "interfaceIndex": 1}, {"name": "eth2", "interfaceIndex": 1}]}',
    'gives masters "eth1" (interfaceIndex 1) and "eth2" (1)',
  ],
  [
    "with two indexes for one master",
    '{"hostIndex": 0, "masters": [{"name": "eth1", "interfaceIndex": 1}, {"name": "eth1", "interfaceIndex": 2}]}',
    'gives masters "eth1" (interfaceIndex 1) and "eth1" (2)',
  ],
])("a node file %s is an error that names it", (_, text, message) => {
  const paths = pathsWith(text);
  const refused = () => readNodeFile(paths, "net");
  expect(refused).toThrow(expect.objectContaining({ code: 7, message: expect.stringContaining(message) }));
  expect(refused).toThrow(join(paths.networks, "net.json"));
});

test("a node file that cannot be read is an error that names it", () => {
  const paths = pathsWith();
  mkdirSync(join(paths.networks, "net.json"));
  expect(() => readNodeFile(paths, "net")).toThrow(
    expect.objectContaining({ code: 5, message: expect.stringContaining("net.json") }),
  );
});

test.each(["../net", "..", "a/b", ""])("a network named %j leads to no file", (name) => {
  expect(() => readNodeFile(pathsWith('{"hostIndex": 0}'), name)).toThrow();
});
