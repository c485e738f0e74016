import { expect, test } from "vitest";
import { sharedError } from "../../../lib/linux/shared-error.ts";
import { NetlinkError } from "../../../lib/netlink/error.ts";

/** Another instance of the module, as each script of the executable has one. */
const copyOf = async (module: string) => await import(/* @vite-ignore */ `${module}?copy`);

const options = { request: "look up eth1", index: 0 };

test("an error is an instance of its class in every copy of the module", async () => {
  const copy: typeof import("../../../lib/netlink/error.ts") = await copyOf("../../../lib/netlink/error.ts");
  expect(copy.NetlinkError).not.toBe(NetlinkError);
  const error: unknown = new copy.NetlinkError(19, options);
  expect(error instanceof NetlinkError && error.code).toBe("ENODEV");
  expect(new NetlinkError(19, options)).toBeInstanceOf(copy.NetlinkError);
  expect(error).toBeInstanceOf(Error);
});

class OtherError extends sharedError("OtherError") {}

test.each([
  ["one of another class", new OtherError("no")],
  ["one that is only called so", Object.assign(new Error("no"), { name: "NetlinkError" })],
  ["nothing at all", undefined],
  ["null", null],
  ["text", "NetlinkError"],
])("%s is none", (_title, value) => {
  expect(value instanceof NetlinkError).toBe(false);
});

test("it is told by its name, and shows no brand", () => {
  const error = new OtherError("why", { cause: 1 });
  expect([error.name, error.message, error.cause, Object.keys(error)]).toEqual([
    "OtherError",
    "why",
    1,
    ["name"],
  ]);
});
