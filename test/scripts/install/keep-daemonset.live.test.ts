import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { DaemonSet } from "../../deploy/daemonset.ts";
import { describeWhere } from "../../live/kernel.ts";
import { type Dpu, dpuNeeds, type Fleet, makeFleet } from "./dpu.ts";
import { confPath, ovnConf, scripts, standInDist } from "./tree.ts";

const manifest = readFileSync(join(scripts, "../deploy/keep-infra-dpu-cni.yaml"), "utf8");
const ours = readFileSync(join(scripts, "../conf-templates/10-ovn-kubernetes.conf"), "utf8");

/** The container's script, as the manifest has it. */
function scriptOfPod(): string {
  const documents = parseAllDocuments(manifest).map((document) => document.toJS());
  const daemonSet = DaemonSet.parse(documents.find(({ kind }) => kind === "DaemonSet"));
  return daemonSet.spec.template.spec.containers[0]?.args?.[0] ?? "";
}

describeWhere(dpuNeeds, "deploy/keep-infra-dpu-cni.yaml's pod on a booted DPU", () => {
  let fleet: Fleet;
  let dpu: Dpu;
  let pod: string;
  const install = (options: string) =>
    dpu.shell(`${scripts}/install.sh --from ${standInDist()} --keep daemonset ${options}`);
  const read = (path: string) => readFileSync(dpu.path(path), "utf8");
  const soon = (check: () => unknown) => vi.waitFor(check, { timeout: 10_000, interval: 50 });
  const overwrite = (text: string) => {
    writeFileSync(dpu.path("/run/new"), text);
    return dpu.shell(`mv /run/new ${confPath}`);
  };
  /** Its container: the host's root at a mount, as the hostPath volume has it. */
  const startPod = async () => {
    writeFileSync(dpu.path("/run/pod.sh"), scriptOfPod());
    await dpu.shell("mkdir /run/host && mount --rbind / /run/host");
    const started = await dpu.shell(
      "HOST=/run/host NODE=dpu-1 setsid sh /run/pod.sh >/run/pod.log 2>&1 </dev/null & echo $!",
    );
    pod = started.stdout;
  };
  beforeAll(async () => {
    fleet = await makeFleet(1);
    const [first] = fleet.dpus;
    if (first === undefined) throw new Error("no DPU");
    dpu = first;
    writeFileSync(dpu.path(confPath), ovnConf);
  });
  afterAll(() => fleet?.[Symbol.asyncDispose]());

  test("says what is missing where nothing was installed, and changes nothing", async () => {
    await startPod();
    await soon(() =>
      expect(read("/run/pod.log")).toBe("nothing to keep: run install.sh --keep daemonset on dpu-1\n"),
    );
    expect(read(confPath)).toBe(ovnConf);
  });

  test("puts back what is taken away or what OVN-Kubernetes writes, with no unit of systemd", async () => {
    expect(await install("")).toMatchObject({ exitCode: 0, stderr: "" });
    expect(existsSync(dpu.path("/etc/systemd/system/multi-nic-cni-keep.path"))).toBe(false);
    for (const take of [() => dpu.shell(`rm ${confPath}`), () => overwrite(ovnConf)]) {
      await take();
      await soon(() => expect(read(confPath)).toBe(ours));
    }
    expect(await install("")).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("unchanged:") });
  });

  test("leaves an administrator's edit, and says so once", async () => {
    const edited = ours.replace('"type"', '"status": "strict", "type"');
    await overwrite(edited);
    await soon(() => expect(read("/run/pod.log")).toContain("changed by others: left as it is"));
    expect(read(confPath)).toBe(edited);
    rmSync(dpu.path(confPath));
    await soon(() => expect(read(confPath)).toBe(ours));
    expect(read("/run/pod.log").match(/changed by others/g)).toHaveLength(1);
  });

  test("ends when it is told to, and after a reboot puts back what that took", async () => {
    await dpu.shell(`kill -TERM ${pod}`);
    await soon(async () => expect(await dpu.shell(`kill -0 ${pod}`)).toMatchObject({ exitCode: 1 }));
    await dpu.reboot();
    expect(existsSync(dpu.path(confPath))).toBe(false);
    await startPod();
    await soon(() => expect(read(confPath)).toBe(ours));
  });

  test("brings nothing back that was taken away by install.sh", async () => {
    expect(await install("--uninstall")).toMatchObject({ exitCode: 0 });
    await soon(() => expect(read("/run/pod.log")).toContain("nothing to keep"));
    expect(read(confPath)).toBe(ovnConf);
  });
});
