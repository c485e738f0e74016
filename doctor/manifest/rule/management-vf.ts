import { error, type Finding, note, warning } from "../../finding.ts";
import { userDrivers } from "../../physical-functions.ts";
import { type DevicePool, devicePools, parseRange, selectorsOf } from "../device-pools.ts";
import { isAt, isNamed, type ManagementVf, managementVfs } from "../management-vfs.ts";
import { listAt, placeOf, type Rule, textAt } from "../manifest.ts";

/** Whether no pool has the VF that is OVN-Kubernetes' management port. */
export const managementVf: Rule = {
  id: "management-vf",
  title: "the management port's VF is in no pool",
  run(manifests) {
    const known = managementVfs(manifests);
    return devicePools(manifests)
      .filter(({ entry }) => (textAt(entry, "deviceType") ?? "netDevice") === "netDevice")
      .flatMap((pool) => selectorsOf(pool).flatMap((selector) => judge(pool, selector, known)));
  },
};

/** PCI vendor of the BlueFields, which are what OVN-Kubernetes has a management VF on. */
const dpuVendor = "15b3";
/** Selectors by what only the node knows of a VF. */
const unknowable = ["pciAddresses", "acpiIndexes"];
const why = "a pod may be given the VF that connects the node itself, and the node loses OVN-Kubernetes";

/** A function is taken where it is in every list that a selector has (README.md of the device plugin, "Selectors"). */
function judge(pool: DevicePool, selector: unknown, known: readonly ManagementVf[]): Finding[] {
  const drivers = listAt(selector, "drivers").map(String);
  // A VF of a user process has no link, and so is no management port.
  if (drivers.length > 0 && drivers.every((driver) => userDrivers.has(driver))) return [];
  const where = `${placeOf(pool.manifest)} data.${pool.key} ${pool.resource}`;
  if (known.length === 0) return judgeFirst(where, selector);
  return known.flatMap((vf) => judgeVf(where, selector, vf));
}

/** Where the management port is known. */
function judgeVf(where: string, selector: unknown, vf: ManagementVf): Finding[] {
  const port = `the management port ${vf.name} of ${vf.where}`;
  const ranges = taking(selector, vf.index, vf);
  if (ranges === "none") return [];
  const key = unknowable.find((each) => listAt(selector, each).length > 0);
  if (key !== undefined) {
    const what = `names VFs by ${key}: whether VF ${vf.index}, ${port}, is among them is not known`;
    const mend = `on the host: readlink /sys/class/net/${vf.name}/device; leave that address out`;
    return [note(where, what, why, key === "pciAddresses" && vf.pf !== undefined ? mend : undefined)];
  }
  if (ranges === "all") {
    const vendors = listAt(selector, "vendors").map(String);
    const mend = `add "pfNames": ["<name of the physical function>#${vf.index + 1}-N"]`;
    if (isOfDpu(selector)) return [error(where, `${whole}: VF ${vf.index}, ${port}`, why, mend)];
    const what = `${whole} of vendor ${vendors.join(", ")}: perhaps VF ${vf.index}, ${port}`;
    return [warning(where, what, why, mend)];
  }
  return ranges.map(({ text, pf, certain }) => {
    const make = certain ? error : warning;
    const what = `"${text}" takes VF ${vf.index}, ${certain ? "" : "perhaps "}${port}`;
    return make(where, what, why, `leave it out, as in "${pf}#${vf.index + 1}-N"`);
  });
}

/** Where nothing is said of it. Who lists addresses has chosen them. */
function judgeFirst(where: string, selector: unknown): Finding[] {
  const ranges = taking(selector, 0);
  if (ranges === "none" || unknowable.some((key) => listAt(selector, key).length > 0)) return [];
  const first = "VF 0, which is the management port in most set-ups";
  const along = "or give the manifest that names the management port along with these";
  if (ranges === "all") {
    const mend = `add "pfNames": ["<name of the physical function>#1-N"], ${along}`;
    return isOfDpu(selector) ? [warning(where, `${whole}: ${first}`, why, mend)] : [];
  }
  return ranges.map(({ text, pf }) =>
    warning(where, `"${text}" takes ${first}`, why, `leave it out, as in "${pf}#1-N", ${along}`),
  );
}

const whole = "names no physical function, and so takes every VF";

function isOfDpu(selector: unknown): boolean {
  const vendors = listAt(selector, "vendors").map(String);
  return vendors.length === 0 || vendors.includes(dpuVendor);
}

interface Taking {
  readonly text: string;
  readonly pf: string;
  /** Whether the range is of the VF's own physical function, or may be */
  readonly certain: boolean;
}

/** The ranges by which a selector takes a VF, of any physical function where `vf` is not given. */
function taking(selector: unknown, index: number, vf?: ManagementVf): readonly Taking[] | "all" | "none" {
  const isOf = {
    pfNames: (pf: string) => vf === undefined || isNamed(vf, pf),
    rootDevices: (pf: string) => vf === undefined || isAt(vf, pf),
  };
  const lists = (["pfNames", "rootDevices"] as const).flatMap((key) => {
    const texts = listAt(selector, key).map(String);
    return texts.length === 0 ? [] : [texts.flatMap((text) => takingBy(text, index, isOf[key]))];
  });
  if (lists.some((ranges) => ranges.length === 0)) return "none";
  return lists[0] ?? "all";
}

function takingBy(text: string, index: number, isOf: (pf: string) => boolean | undefined): Taking[] {
  const range = parseRange(text);
  if (range === undefined) return []; // sriovdp-config says so
  const own = isOf(range.pf);
  if (own === false || range.vfs?.has(index) === false) return [];
  return [{ text, pf: range.pf, certain: own ?? false }];
}
