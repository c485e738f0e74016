import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWhere } from "../../live/kernel.ts";
import { type Dpu, dpuNeeds, type Fleet, makeFleet } from "./dpu.ts";
import { installNeeds, ovnConf, scripts, standInDist, state } from "./tree.ts";

const executable = "/run/cni/bin/infra-dpu-cni";
const conf = "/etc/cni/net.d/10-ovn-kubernetes.conf";
/** What MicroShift tells CRI-O. */
const crio =
  '[crio.network]\ncni_default_network = "ovn-kubernetes"\nplugin_dirs = [\n        "/run/cni/bin"\n]\n';

describeWhere([...dpuNeeds, ...installNeeds], "install.sh on a booted MicroShift", () => {
  let fleet: Fleet;
  let dpu: Dpu;
  beforeAll(async () => {
    fleet = await makeFleet(1);
    const [first] = fleet.dpus;
    if (first === undefined) throw new Error("no DPU");
    dpu = first;
    await dpu.shell("mkdir -p /etc/microshift /etc/crio/crio.conf.d /etc/cni/net.d");
    writeFileSync(dpu.path("/etc/crio/crio.conf.d/11-microshift-ovn.conf"), crio);
    writeFileSync(dpu.path(conf), ovnConf);
  });
  const install = (options: string) => dpu.shell(`${scripts}/install.sh --from ${standInDist()} ${options}`);
  afterAll(() => fleet?.[Symbol.asyncDispose]());

  test("the executable, which is on tmpfs, is there again after a reboot, and is taken away for good", async () => {
    const installed = await install("");
    expect(installed.stdout, installed.stderr).toContain("installed /run/cni/bin/infra-dpu-cni");
    await dpu.reboot();
    expect(await dpu.shell("CNI_COMMAND=VERSION /run/cni/bin/infra-dpu-cni </dev/null")).toMatchObject({
      exitCode: 0,
    });
    expect(JSON.parse(readFileSync(dpu.path(conf), "utf8")).name).toBe("ovn-kubernetes");
    expect(await install("")).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("unchanged:") });
    expect(await install("--uninstall")).toMatchObject({ exitCode: 0, stderr: "" });
    await dpu.reboot();
    expect(existsSync(dpu.path(executable))).toBe(false);
    expect(existsSync(dpu.path(join(state, "install")))).toBe(false);
    expect(readFileSync(dpu.path(conf), "utf8")).toBe(ovnConf);
  });

  test("one that a thin Multus still calls is kept over a reboot, until it no longer does", async () => {
    const multus = (delegate: string) =>
      writeFileSync(
        dpu.path("/etc/cni/net.d/00-multus.conf"),
        `{"name":"multus-cni-network","type":"multus","delegates":[${delegate}]}`,
      );
    multus(ovnConf.trim());
    await install("");
    multus(readFileSync(dpu.path(conf), "utf8"));
    const held = await install("--uninstall");
    expect(held).toMatchObject({ exitCode: 3, stderr: expect.stringContaining("infra-dpu-cni is left") });
    expect(await dpu.shell("systemctl is-active multi-nic-cni-keep.path")).toMatchObject({
      stdout: "active",
    });
    await dpu.reboot();
    expect(readFileSync(dpu.path(conf), "utf8")).toBe(ovnConf);
    expect(existsSync(dpu.path(executable))).toBe(true);
    multus(ovnConf.trim());
    expect(await install("--uninstall")).toMatchObject({ exitCode: 0, stderr: "" });
    expect(existsSync(dpu.path(executable))).toBe(false);
    expect(await dpu.shell("systemctl cat multi-nic-cni-keep.path")).toMatchObject({ exitCode: 1 });
  });
});
