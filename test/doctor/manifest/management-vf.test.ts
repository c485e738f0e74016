import { expect, test } from "vitest";
import { configMap, dpuHost, env, found, sriovdp } from "./documents.ts";

/** A pool with these selectors. */
const pool = (selectors: unknown, more = {}) =>
  sriovdp({ resourceName: "cx6", resourcePrefix: "mellanox.com", selectors, ...more });
const vf0 = dpuHost("enp2s0f0v0");
const named = "the management port enp2s0f0v0 of 1.yaml:1 DaemonSet/ovnkube-node-dpu-host";
const mellanox = { vendors: ["15b3"], devices: ["101e"], drivers: ["mlx5_core"] };
const all = "names no physical function, and so takes every VF";

test.each<[sentence: string, texts: string[], found: string[]]>([
  [
    "a pool by vendor, device and driver has all VFs",
    [pool(mellanox), vf0],
    [`management-vf error ${all}: VF 0, ${named}`],
  ],
  ["so has one with no selectors", [pool({}), vf0], [`management-vf error ${all}: VF 0, ${named}`]],
  [
    "so has one of several selectors",
    [pool([{ ...mellanox, pfNames: ["enp2s0f1np1#1-2"] }, mellanox]), vf0],
    [`management-vf error ${all}: VF 0, ${named}`],
  ],
  [
    "of another vendor than a BlueField's, it is not certain",
    [pool({ vendors: ["8086"] }), vf0],
    [`management-vf warning ${all} of vendor 8086: perhaps VF 0, ${named}`],
  ],
  [
    "with nothing said of the management port, it is the first",
    [pool(mellanox)],
    [`management-vf warning ${all}: VF 0, which is the management port in most set-ups`],
  ],
  ["with nothing said, another vendor's are no DPU's", [pool({ vendors: ["8086"] })], []],
  [
    "the driver of a user process makes no link, so none that is the management port",
    [pool({ drivers: ["vfio-pci"] }), vf0],
    [],
  ],
  ["a pool of accelerators has no VF", [pool({}, { deviceType: "accelerator" }), vf0], []],
  ["nor has one of subfunctions", [pool({ pfNames: ["p0"] }, { deviceType: "auxNetDevice" }), vf0], []],

  [
    "a PCI address is that of systemd's name",
    [pool({ rootDevices: ["0000:02:00.0#0-2"] }), vf0],
    [`management-vf error "0000:02:00.0#0-2" takes VF 0, ${named}`],
  ],
  [
    "whose numbers are decimal",
    [pool({ rootDevices: ["0001:86:00.1"] }), dpuHost("enP1p134s0f1v3")],
    [
      'management-vf error "0001:86:00.1" takes VF 3, the management port enP1p134s0f1v3 of 1.yaml:1 DaemonSet/ovnkube-node-dpu-host',
    ],
  ],
  ["another PCI address is another NIC", [pool({ rootDevices: ["0000:03:00.0#0-2"] }), vf0], []],
  ["VFs behind it are free", [pool({ rootDevices: ["0000:02:00.0#1-2"] }), vf0], []],
  [
    "a name that has no address in it may be of any",
    [pool({ rootDevices: ["0000:02:00.0#0-2"] }), dpuHost("ens1f0v0")],
    [
      'management-vf warning "0000:02:00.0#0-2" takes VF 0, perhaps the management port ens1f0v0 of 1.yaml:1 DaemonSet/ovnkube-node-dpu-host',
    ],
  ],
  [
    "a representor's as well",
    [pool({ rootDevices: ["0000:02:00.0#0-2"] }), configMap("env-overrides", { dpu: env })],
    [
      'management-vf error "0000:02:00.0#0-2" takes VF 0, the management port pf0vf0 of 1.yaml:1 ConfigMap/env-overrides',
    ],
  ],
  [
    "with nothing said of the management port, VF 0 of a PCI address is a warning",
    [pool({ rootDevices: ["0000:02:00.0#0-2"] })],
    ['management-vf warning "0000:02:00.0#0-2" takes VF 0, which is the management port in most set-ups'],
  ],
  [
    "both selectors must take a VF",
    [pool({ pfNames: ["enp2s0f0np0"], rootDevices: ["0000:02:00.0#1-2"] }), vf0],
    [],
  ],

  [
    "of VFs by their own addresses it cannot be told",
    [pool({ pciAddresses: ["0000:02:00.3"] }), vf0],
    [`management-vf note names VFs by pciAddresses: whether VF 0, ${named}, is among them is not known`],
  ],
  [
    "by ACPI index neither",
    [pool({ acpiIndexes: ["101"] }), vf0],
    [`management-vf note names VFs by acpiIndexes: whether VF 0, ${named}, is among them is not known`],
  ],
  [
    "unless they are of a range without it",
    [pool({ pciAddresses: ["0000:02:00.4"], pfNames: ["enp2s0f0np0#1-2"] }), vf0],
    [],
  ],
  [
    "with nothing said of the management port, addresses are taken for chosen",
    [pool({ pciAddresses: ["0000:02:00.3"] })],
    [],
  ],
])("%s", (_, texts, expected) => {
  expect(found(...texts)).toEqual(expected);
});
