import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Reported } from "../../doctor/finding.ts";
import { describeWhere } from "./kernel.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { bin } from "./plugin.ts";
import {
  addressOfVf,
  linkOfVf,
  numberOfVfs,
  type PhysicalFunction,
  physicalFunctions,
  setNumberOfVfs,
  sriov,
} from "./sriov.ts";

const executable = join(bin, "multi-nic-doctor");
const ip = (words: string) => execFileSync("ip", words.split(" "), { encoding: "utf8" });

describeWhere(sriov(), "multi-nic-doctor with an emulated NIC that has SR-IOV", () => {
  let pf: PhysicalFunction;
  let pod: Namespace;
  beforeAll(async () => {
    const [first] = physicalFunctions();
    if (first === undefined) throw new Error("there is no NIC with SR-IOV");
    pf = first;
    setNumberOfVfs(pf, 0);
    pod = makeNamespace("pod");
  });
  afterAll(() => {
    if (pf !== undefined) setNumberOfVfs(pf, 0);
    pod?.[Symbol.dispose]();
  });

  const checks = ["sriov-capacity", "pf-up", "vf-drivers", "vf-names"];
  /** What is found of the NIC: severity, check and what. */
  function findings(): string[] {
    const args = ["host", "--json", "--pf", pf.ifname];
    const { stdout, stderr } = spawnSync(executable, args, { encoding: "utf8" });
    expect(stderr).toBe("");
    const { findings: all } = JSON.parse(stdout) as { findings: Reported[] };
    return all
      .filter(({ check }) => checks.includes(check))
      .map(({ severity, check, what }) => `${severity} ${check}: ${what.split(";")[0]}`);
  }

  function planned(count: number, ...more: string[]) {
    const args = ["--plan-vfs", String(count), "--pf", pf.ifname, ...more];
    const { stdout, stderr, status } = spawnSync(executable, args, { encoding: "utf8" });
    expect(stderr).toBe("");
    return { stdout, status, vfs: numberOfVfs(pf) };
  }

  it("finds that it has no virtual functions, and is down", () => {
    ip(`link set ${pf.ifname} down`);
    expect(findings()).toEqual([
      `warning sriov-capacity: 0 of ${pf.total} virtual functions are made`,
      `error pf-up: ${pf.ifname} is down`,
    ]);
  });

  it("only says how to make them", () => {
    const { stdout, status, vfs } = planned(3);
    expect(stdout).toMatch(/would {4}echo 3 > .*sriov_numvfs +# makes 3/);
    expect({ status, vfs }).toEqual({ status: 0, vfs: 0 });
  });

  it("makes them with --apply, and finds their links, whose names do not last", async () => {
    const { stdout, status, vfs } = planned(3, "--apply");
    expect(stdout).toMatch(/done {5}3 > /);
    expect({ status, vfs }).toEqual({ status: 0, vfs: 3 });
    ip(`link set ${pf.ifname} up`);
    await carrier(pf.ifname);
    const names = await Promise.all([0, 1, 2].map((index) => linkOfVf(pf, index)));
    expect(findings()).toEqual(
      names.map((name, index) => `warning vf-names: VF ${index} of ${pf.ifname} is called ${name}`),
    );
  });

  it("does nothing where their number is what is wanted", () => {
    const { stdout, status, vfs } = planned(3, "--apply");
    expect(stdout).toMatch(/nothing to do/);
    expect({ status, vfs }).toEqual({ status: 0, vfs: 3 });
  });

  it("knows what the kernel itself refuses", () => {
    expect(() => setNumberOfVfs(pf, 4)).toThrow(/EBUSY/);
    expect(() => setNumberOfVfs(pf, pf.total + 1)).toThrow(/ERANGE/);
    const { stdout, status, vfs } = planned(pf.total + 1, "--apply");
    expect(stdout).toMatch(/refused {2}8 are more than the 7/);
    expect({ status, vfs }).toEqual({ status: 2, vfs: 3 });
  });

  it("takes none from a pod", async () => {
    const name = await linkOfVf(pf, 1);
    ip(`link set ${name} netns ${pod.name}`);
    const why = "its link is in another network namespace: a pod's";
    expect(findings()).toContain(`note vf-drivers: VF 1: ${why}`);
    const { stdout, status, vfs } = planned(5, "--apply");
    expect(stdout).toContain(`VF 1 of ${pf.ifname} (${addressOfVf(pf, 1)}) would be pulled away: ${why}`);
    expect({ status, vfs }).toEqual({ status: 2, vfs: 3 });
    pod.ip(`link set ${name} netns ${process.pid}`);
  });

  it("takes none that carries other links", async () => {
    const name = await linkOfVf(pf, 1);
    ip(`link add link ${name} name mv0 type macvlan`);
    const { stdout, status, vfs } = planned(5, "--apply");
    ip("link del mv0");
    expect(stdout).toContain(`would be pulled away: ${name} carries mv0`);
    expect({ status, vfs }).toEqual({ status: 2, vfs: 3 });
  });

  it("takes all away to make more", async () => {
    const { stdout, status, vfs } = planned(5, "--apply");
    expect(stdout).toMatch(/done {5}0 > .*\ndone {5}5 > /);
    expect({ status, vfs }).toEqual({ status: 0, vfs: 5 });
    await linkOfVf(pf, 4);
  });

  it("takes all away", () => {
    expect(planned(0, "--apply")).toMatchObject({ status: 0, vfs: 0 });
  });
});

/** igb resets the NIC when virtual functions come or go: its carrier is away for seconds. */
async function carrier(ifname: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (readFileSync(`/sys/class/net/${ifname}/carrier`, "utf8").trim() === "1") return;
    await sleep(50);
  }
  throw new Error(`${ifname} has no carrier`);
}
