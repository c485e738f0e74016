import { describe, expect, test } from "vitest";
import { encodeBody, nest, type Request, u32 } from "../../../../lib/netlink/codec.ts";
import { decodeVfs, setVf, type VfSettings } from "../../../../lib/netlink/message/vf.ts";

const at = (number: number) => ({ pf: "eth0", pfIndex: 2, number });

/** The kernel describes a virtual function with the attributes that it is set with, all of them in one. */
function described(number: number, settings: VfSettings): Request {
  const start = 16 + 4 + 4;
  const attributes = setVf(at(number), settings).map(({ body }) => body.subarray(start));
  const info = Buffer.concat(attributes);
  return {
    type: 16,
    flags: 0,
    label: "",
    body: encodeBody(new Uint8Array(16), [nest(22, [{ type: 1, value: info }])]),
  };
}

const whole: VfSettings = {
  mac: "02:00:00:00:00:01",
  vlan: { vlan: 7, qos: 2, proto: "802.1q" },
  spoofchk: false,
  trust: true,
  linkState: "disable",
  rate: { min: 100, max: 2000 },
};

describe("decodeVfs", () => {
  test.each<[string, VfSettings]>([
    ["every setting", whole],
    ["an address of zeros, which stands for none", { ...whole, mac: "00:00:00:00:00:00" }],
    ["a driver that keeps a MAC alone", { mac: "02:00:00:00:00:01" }],
  ])("reads %s as setVf writes it", (_title, settings) => {
    expect(decodeVfs(described(3, settings))).toEqual(new Map([[3, settings]]));
  });

  test("finds none on a link that has none", () => {
    expect(decodeVfs({ body: encodeBody(new Uint8Array(16), [u32(4, 1500)]) })).toEqual(new Map());
  });

  test("leaves out flags that the driver does not say (-1)", () => {
    const { body } = described(0, { mac: "02:00:00:00:00:01", spoofchk: true });
    body.fill(0xff, body.length - 4);
    expect(decodeVfs({ body }).get(0)).toEqual({ mac: "02:00:00:00:00:01" });
  });
});

test("setVf makes a request of each setting, so that a refusal names it", () => {
  expect(setVf(at(1), whole).map(({ label }) => label)).toEqual(
    ["mac", "vlan", "rate", "spoofchk", "linkState", "trust"].map(
      (key) => `set ${key} of virtual function 1 of eth0`,
    ),
  );
  expect(setVf(at(1), {})).toEqual([]);
});
