import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { describeWhere } from "../../live/kernel.ts";
import { bin } from "../../live/plugin.ts";
import { type Dpu, dpuNeeds, type Fleet, makeFleet } from "./dpu.ts";
import { binPath, confPath, ovnConf, scripts, standInDist } from "./tree.ts";

const ours = readFileSync(
  join(import.meta.dirname, "../../../conf-templates/10-ovn-kubernetes.conf"),
  "utf8",
);
const multusConf = "/etc/kubernetes/cni/net.d/00-multus.conf";

/**
 * Stands in for oc and for the Multus pod that it deletes, as there is no cluster: it notes what it was asked for, and a
 * second later writes 00-multus.conf as thin Multus does, from the first file of its folder.
 */
const oc = `#!/bin/sh
echo "$*" >>/run/oc.log
(
  sleep 1
  first=$(ls /run/multus/cni/net.d/*.conf | head -n 1)
  printf '{"type":"multus","readinessindicatorfile":"/var/run/multus/cni/net.d/10-ovn-kubernetes.conf","delegates":[%s]}' \\
    "$(cat "$first")" >${multusConf}
) >/dev/null 2>&1 &
`;
/** Stands in for SELinux's restorecon, as this kernel has no SELinux: it notes what was to be labelled. */
const restorecon = `#!/bin/sh
echo "$*" >>/run/restorecon.log
`;

describeWhere(dpuNeeds, "install.sh on a booted DPU", () => {
  let fleet: Fleet;
  let dpu: Dpu;
  const install = async (options = "", prefix = "") => {
    const command = `PATH=/run/bin:$PATH ${prefix} ${scripts}/install.sh --from ${standInDist()} ${options}`;
    return dpu.shell(command);
  };
  const read = (path: string) => readFileSync(dpu.path(path), "utf8");
  const soon = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 50 });
  /** What is under /run, which a reboot clears. */
  const prepare = async () => {
    await dpu.shell(
      "mkdir -p /run/bin; touch /run/bin/oc /run/bin/restorecon /run/kubeconfig; chmod +x /run/bin/*",
    );
    writeFileSync(dpu.path("/run/bin/oc"), oc);
    writeFileSync(dpu.path("/run/bin/restorecon"), restorecon);
    writeFileSync(dpu.path(confPath), ovnConf);
    const delegate = `{"type":"multus","delegates":[${ovnConf.trim()}]}`;
    await dpu.shell(`echo '${delegate}' >${multusConf}`);
  };
  beforeAll(async () => {
    fleet = await makeFleet(1);
    const [first] = fleet.dpus;
    if (first === undefined) throw new Error("no DPU");
    dpu = first;
    await prepare();
  });
  afterAll(() => fleet?.[Symbol.asyncDispose]());

  describe("refuses, with nothing changed", () => {
    afterEach(() => {
      expect(read(confPath)).toBe(ovnConf);
      expect(existsSync(dpu.path(binPath))).toBe(false);
    });
    const inMounts = (mount: string) => `unshare --mount sh -c '${mount} && exec "$0" "$@"'`;

    test("where there is no systemd to keep what is on tmpfs", async () => {
      const { exitCode, stderr } = await install("", inMounts("mount -t tmpfs tmpfs /run/systemd"));
      expect({ exitCode, stderr }).toEqual({
        exitCode: 2,
        stderr: expect.stringContaining("use --keep daemonset"),
      });
    });

    test("where the executable lacks libstdc++", async () => {
      const folder = "/usr/lib/$(uname -m)-linux-gnu";
      const layers = `lowerdir=${folder},upperdir=/run/upper,workdir=/run/work`;
      const hide = `mkdir -p /run/upper /run/work && mount -t overlay -o ${layers} none ${folder} && rm ${folder}/libstdc++.so.6*`;
      const { exitCode, stderr } = await install(`--from ${bin}`, inMounts(hide));
      expect({ exitCode, stderr }).toEqual({
        exitCode: 2,
        stderr: expect.stringMatching(/cannot run here: .*libstdc\+\+\.so\.6 => not found/),
      });
    });

    test("where nobody but root may", async () => {
      const { exitCode, stderr } = await install("", "setpriv --reuid core --clear-groups");
      expect({ exitCode, stderr }).toEqual({
        exitCode: 2,
        stderr: expect.stringContaining("run it with sudo"),
      });
    });
  });

  test("it labels what it places, has this node's Multus restarted, and waits for it", async () => {
    const { exitCode, stdout, stderr } = await install(
      "--restart-multus --kubeconfig /run/kubeconfig --node dpu-1 --wait 20",
    );
    expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 0, stderr: "" });
    expect(read("/run/oc.log")).toBe(
      "--kubeconfig /run/kubeconfig delete pod -n openshift-multus -l app=multus --field-selector spec.nodeName=dpu-1 --wait=false\n",
    );
    expect(read(multusConf)).toContain('"infra-dpu-cni"');
    expect(read("/run/restorecon.log").split("\n")).toEqual(expect.arrayContaining([binPath, confPath]));
    const again = await install("--restart-multus --kubeconfig /run/kubeconfig --node dpu-1 --wait 20");
    expect(again).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("unchanged: everything is as it should be"),
    });
    expect(read("/run/oc.log").split("\n")).toHaveLength(2);
  });

  test.each([
    ["ovnkube-node deletes it when it stops", `rm ${confPath}`],
    [
      "OVN-Kubernetes writes its own over it",
      `printf '%s' '${ovnConf.trim()}' >/run/new && mv /run/new ${confPath}`,
    ],
  ])("the configuration is put back when %s", async (_, command) => {
    await dpu.shell(command);
    await soon(() => expect(read(confPath)).toBe(ours));
  });

  test("an administrator's edit stays", async () => {
    const edited = ours.replace('"type"', '"status": "strict", "type"');
    await dpu.shell(`printf '%s' '${edited}' >/run/new && mv /run/new ${confPath}`);
    await dpu.shell("systemctl start multi-nic-cni-keep.service");
    expect(read(confPath)).toBe(edited);
    await dpu.shell(`rm ${confPath}`);
    await soon(() => expect(read(confPath)).toBe(ours));
  });

  test("after a reboot, which clears /run, the configuration is there before the node is up", async () => {
    await dpu.reboot();
    expect(read(confPath)).toBe(ours);
    expect(await dpu.shell("systemctl is-active multi-nic-cni-keep.path")).toMatchObject({
      stdout: "active",
    });
    await dpu.shell(`rm -r /run/multus`);
    await soon(() => expect(read(confPath)).toBe(ours));
  });

  test("Multus that does not come to name it within the time is a failure that says what is done", async () => {
    await prepare();
    // The keeper is at work by now: what prepare writes over it is put back.
    await soon(() => expect(read(confPath)).toBe(ours));
    writeFileSync(dpu.path("/run/bin/oc"), "#!/bin/sh\n");
    const { exitCode, stderr } = await install("--restart-multus --kubeconfig /run/kubeconfig --wait 1");
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringContaining("did not name infra-dpu-cni after 1 s; the rest is installed"),
    });
    const plain = await install();
    expect(plain).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining("restart its pod: oc delete pod -n openshift-multus"),
    });
  });

  test("taken away, it comes back neither by a change of the folder nor by a reboot", async () => {
    const removed = await install("--uninstall");
    expect(removed, removed.stderr).toMatchObject({ exitCode: 0 });
    expect(read(confPath)).toBe(ovnConf);
    expect(await dpu.shell("systemctl cat multi-nic-cni-keep.path")).toMatchObject({ exitCode: 1 });
    await dpu.reboot();
    expect(existsSync(dpu.path(confPath))).toBe(false);
    expect(existsSync(dpu.path(binPath))).toBe(false);
    expect(existsSync(dpu.path("/var/lib/multi-nic-cni"))).toBe(false);
  });
});
