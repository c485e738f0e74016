import { constants } from "node:os";
import { describe, expect, test } from "vitest";
import { errnoCode } from "../../../lib/netlink/errno.ts";
import { NetlinkError } from "../../../lib/netlink/error.ts";

describe("the message is the request, the errno's words and name, and the kernel's own words", () => {
  test.each([
    [17, "", "create macvlan net1-0 on veth0: File exists (EEXIST)"],
    [
      95,
      "Unknown device type",
      "create macvlan net1-0 on veth0: Operation not supported (EOPNOTSUPP): Unknown device type",
    ],
    [200, "", "create macvlan net1-0 on veth0: Unknown error (errno 200)"],
  ])("errno %d, explanation %j", (errno, explanation, message) => {
    const error = new NetlinkError(errno, {
      request: "create macvlan net1-0 on veth0",
      index: 0,
      explanation,
    });
    expect(error.message).toBe(message);
    expect(error).toMatchObject({ name: "NetlinkError", errno, explanation, others: [] });
  });
});

test("the names are those of the system's errno.h", () => {
  const named = Object.entries(constants.errno).filter(([, errno]) => !errnoCode(errno).startsWith("errno "));
  // Some numbers have two names: EAGAIN and EWOULDBLOCK, EOPNOTSUPP and ENOTSUP.
  const second = ["EWOULDBLOCK", "ENOTSUP"];
  expect(named.filter(([name, errno]) => errnoCode(errno) !== name && !second.includes(name))).toEqual([]);
  expect(named.length).toBeGreaterThan(25);
});
