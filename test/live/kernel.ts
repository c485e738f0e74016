import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, test } from "vitest";

/** Whether this is the project's test kernel, User-Mode Linux (arch/um/kernel/um_arch.c, show_cpuinfo). */
export const isUml = readFileSync("/proc/cpuinfo", "utf8").includes("User Mode Linux");

/** `ip` commands that make one link of a kind; m0 is an end of a veth pair. */
const linkKinds = {
  bond: "link add p0 type bond",
  bridge: "link add p0 type bridge",
  dummy: "link add p0 type dummy",
  ipvlan: "link add link m0 name p0 type ipvlan",
  macvlan: "link add link m0 name p0 type macvlan",
  netdevsim: "link add p0 type netdevsim",
  veth: "link add p0 type veth peer name p1",
  vlan: "link add link m0 name p0 type vlan id 7",
  vrf: "link add p0 type vrf table 10",
} as const;
export type LinkKindName = keyof typeof linkKinds;

/** Something a live test cannot run without. `reason` says why it is missing, in words for a report. */
export interface Need {
  readonly name: string;
  readonly met: boolean;
  readonly reason: string;
}

/** A need of any sort; `name` is what MULTI_NIC_CNI_REQUIRE may list. */
export function need(name: string, met: boolean, reason: string): Need {
  return { name, met, reason };
}

const probed = new Map<LinkKindName, Need>();

/** The need for a kind of link, probed once by making one in a namespace that ends with the probe. */
export function linkKind(kind: LinkKindName): Need {
  const known = probed.get(kind);
  if (known) return known;
  const input = `link add m0 type veth peer name m1\n${linkKinds[kind]}\n`;
  const made = spawnSync("unshare", ["--net", "ip", "-batch", "-"], { input, encoding: "utf8" });
  const why = made.error?.message ?? made.stderr.trim().split("\n")[0] ?? "";
  const found = need(kind, made.status === 0, `no ${kind} link can be made on this kernel (${why})`);
  probed.set(kind, found);
  return found;
}

/** Whether links of this kind can be made here. */
export function hasLinkKind(kind: LinkKindName): boolean {
  return linkKind(kind).met;
}

/** Names in MULTI_NIC_CNI_REQUIRE, parted by blanks or commas: needs whose lack is a failure. */
function isRequired({ name }: Need): boolean {
  return (process.env.MULTI_NIC_CNI_REQUIRE ?? "").split(/[\s,]+/).includes(name);
}

/**
 * `describe` for tests with needs. Where one is missing they are skipped, with the reason in the
 * title; where a missing one is required (MULTI_NIC_CNI_REQUIRE), a test fails in their place.
 */
export function describeWhere(needs: Need | readonly Need[], title: string, body: () => void): void {
  const missing = [needs].flat().filter(({ met }) => !met);
  const reasons = missing.map(({ reason }) => reason).join("; ");
  if (missing.length === 0) {
    describe(title, body);
  } else if (missing.some(isRequired)) {
    test(`${title} [required, but missing]`, () => {
      throw new Error(`MULTI_NIC_CNI_REQUIRE: ${reasons}`);
    });
  } else {
    describe.skip(`${title} [skipped: ${reasons}]`, body);
  }
}
