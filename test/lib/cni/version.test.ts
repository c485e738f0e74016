import { expect, test } from "vitest";
import type { Command } from "../../../lib/cni/invocation.ts";
import {
  checkSupported,
  checkVerbVersion,
  compareVersions,
  supportedVersions,
} from "../../../lib/cni/version.ts";

test.each([
  ["0.3.1", "0.4.0", -1],
  ["0.4.0", "0.4.0", 0],
  ["1.0.0", "0.4.0", 1],
  ["0.10.0", "0.9.9", 1],
  ["1.0", "1.0.0", 0],
])("%s against %s is %i", (a, b, sign) => {
  expect(Math.sign(compareVersions(a, b))).toBe(sign);
});

test.each(["", "1.x", "v1.0.0", "1.0.0.0", "-1.0.0"])('"%s" is not compared', (version) => {
  expect(() => compareVersions(version, "1.0.0")).toThrow(RangeError);
});

test.each<[Command, string, string | undefined]>([
  ["CHECK", "0.3.1", "0.4.0"],
  ["CHECK", "0.4.0", undefined],
  ["GC", "1.0.0", "1.1.0"],
  ["GC", "1.1.0", undefined],
  ["STATUS", "1.0.0", "1.1.0"],
  ["STATUS", "1.1.0", undefined],
  ["ADD", "0.1.0", undefined],
  ["DEL", "0.1.0", undefined],
])("%s with a configuration of %s needs %s", (command, version, since) => {
  const check = () => checkVerbVersion(command, version);
  if (since === undefined) expect(check).not.toThrow();
  else
    expect(check).toThrow(
      expect.objectContaining({ code: 1, message: `config version does not allow ${command}` }),
    );
});

test("CHECK with a cniVersion that is no version cannot be decided", () => {
  expect(() => checkVerbVersion("CHECK", "new")).toThrow(expect.objectContaining({ code: 6 }));
});

test.each(supportedVersions)("%s is supported", (version) => {
  expect(() => checkSupported(version)).not.toThrow();
});

test.each(["0.0.1", "1.2.0", "0.3", "banana", "__proto__"])("%s is not", (version) => {
  expect(() => checkSupported(version)).toThrow(
    expect.objectContaining({
      code: 1,
      message: "incompatible CNI versions",
      details: `config is "${version}", plugin supports ["0.1.0" "0.2.0" "0.3.0" "0.3.1" "0.4.0" "1.0.0" "1.1.0"]`,
    }),
  );
});
