import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checks } from "../../doctor/checks.ts";
import { serve } from "../../doctor/serve.ts";
import { dpu, host, inPod } from "./bluefield.ts";
import { type Entries, writeTree } from "./captured.ts";

const cni: Entries = {
  "/opt/cni/bin/infra-dpu-cni": { executable: "" },
  "/etc/cni/net.d/10-infra-dpu-cni.conf":
    '{"cniVersion":"0.4.0","name":"infra-dpu-cni","type":"infra-dpu-cni"}',
  "/proc/sys/kernel/osrelease": "5.15.0\n",
  "/proc/sys/net/bridge/bridge-nf-call-iptables": "1\n",
};
const doctor = (root: string, ...args: string[]) => serve([...args, "--root", root], "1.2.3");

test.each([
  ["0 where all is well", "dpu", dpu(cni), 0, /^0 errors, 0 warnings, 0 notes$/m],
  ["0 with notes", "host", host(3, { ...cni, ...inPod(1) }), 0, /^0 errors, 0 warnings, 1 notes$/m],
  ["1 with warnings", "host", host(0, cni), 1, /^0 errors, 1 warnings, 0 notes$/m],
  ["2 with errors", "host", {}, 2, /^\d errors, /m],
])("the exit code is %s", async (_, role, entries, exitCode, said) => {
  const served = await doctor(writeTree(entries), role);
  expect(served).toEqual({ stdout: expect.stringMatching(said), stderr: "", exitCode });
});

test("a finding is one line: what, where, why it matters, and what mends it", async () => {
  const { stdout } = await doctor(writeTree(host(0, cni)), "host");
  expect(stdout.split("\n").find((line) => line.startsWith("warning"))).toBe(
    "warning  sriov-capacity  /sys/class/net/enp2s0f0np0/device/sriov_numvfs: 0 of 16 virtual functions are made; " +
      "pods that ask for one stay Pending; mend: multi-nic-doctor --plan-vfs N --pf enp2s0f0np0",
  );
});

test.each([
  [
    "a host",
    "host",
    host(3, { ...cni, ...inPod(1), "/var/run": { link: "/run" }, "/etc/cni/net.d/05.conf": "{" }),
  ],
  [
    "a host with CRI-O",
    "host",
    host(3, {
      ...cni,
      "/etc/crio/crio.conf": '[crio.network]\nnetwork_dir = "/srv/net.d"\nplugin_dirs = ["/srv/cni"]\n',
      "/etc/crio/crio.conf.d/11-ovn": '[crio.network]\ncni_default_network = "ovn-kubernetes"\n',
      "/srv/cni/bridge": "not executable",
      "/srv/net.d/10-a.conf": "{",
    }),
  ],
  [
    "a host where a program fails, and two of three names are one file",
    "host",
    host(3, {
      ...cni,
      "/opt/cni/bin/multi-nic": { executable: "" },
      "/opt/cni/bin/multi-nic-ipam": { executable: "another" },
      "/.commands/ethtool -k enp2s0f0np0": undefined,
      "/.commands/ethtool -k enp2s0f0np0.failed": "ethtool: no",
    }),
  ],
  ["a DPU", "dpu", dpu({ ...cni, "/sys/class/net/p0/device": { link: "../../../0000:03:00.0" } })],
])("of %s, what --capture writes is found the same by --root", async (_, role, entries) => {
  const copy = join(writeTree({}), "copy");
  const first = await doctor(writeTree(entries), role, "--capture", copy);
  expect(await doctor(copy, role)).toEqual(first);
  expect(await doctor(copy, role, "--capture", copy)).toMatchObject({
    exitCode: 64,
    stderr: expect.stringContaining("EEXIST"),
  });
});

test("--json is one document with the same", async () => {
  const { stdout } = await doctor(writeTree(host(0, cni)), "host", "--json");
  expect(JSON.parse(stdout)).toMatchObject({
    doctor: "1.2.3",
    role: "host",
    exitCode: 1,
    findings: [{ check: "sriov-capacity", severity: "warning", mend: expect.stringContaining("--plan-vfs") }],
  });
});

test("names with line breaks and escapes make no lines of their own", async () => {
  const { stdout } = await doctor(writeTree({ "/etc/cni/net.d/\u001b[2J\nok all.conf": "{" }), "node");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(stdout).not.toMatch(/\u001b|^ok all/m);
});

test("every check has an id of its own, and applies somewhere", () => {
  expect(new Set(checks.map(({ id }) => id)).size).toBe(checks.length);
  expect(checks.filter(({ applies }) => applies.length === 0)).toEqual([]);
});

test("docs/doctor.md names every check", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/doctor.md"), "utf8");
  expect(checks.filter(({ id }) => !page.includes(`\`${id}\``)).map(({ id }) => id)).toEqual([]);
});

test.each([
  [["dpu", "--root", "/no/such/folder"], /--root: "\/no\/such\/folder" is no folder/],
  [["node", "--sums", "/no/such/file"], /--sums: "\/no\/such\/file" cannot be read \(ENOENT\)/],
  [["manifests", "/no/such/file"], /manifests: "\/no\/such\/file" cannot be read \(ENOENT\)/],
  [["--plan-vfs", "1", "--pf", "../../etc"], /--pf: "..\/..\/etc" is no link with virtual functions/],
])("%j is exit code 64, and says so on stderr", async (args, said) => {
  expect(await serve(args, "1")).toEqual({ stdout: "", stderr: expect.stringMatching(said), exitCode: 64 });
});

test("--plan-vfs prints the writes, and what is refused has exit code 2", async () => {
  const plan = (entries: Entries) => doctor(writeTree(entries), "--plan-vfs", "5", "--pf", "enp2s0f0np0");
  const numvfs = "/sys/class/net/enp2s0f0np0/device/sriov_numvfs";
  expect(await plan(host(3))).toEqual({
    stdout: `enp2s0f0np0: 3 virtual functions, 5 wanted
would    echo 0 > ${numvfs}   # takes all 3 away (enp2s0f0v0, enp2s0f0v1, enp2s0f0v2): a number above 0 cannot be changed to another
would    echo 5 > ${numvfs}   # makes 5
`,
    stderr: "",
    exitCode: 0,
  });
  expect(await plan(host(3, inPod(1)))).toMatchObject({
    stdout: expect.stringMatching(/^refused {2}VF 1/m),
    exitCode: 2,
  });
});

test("--apply writes nothing to a captured tree", async () => {
  const root = writeTree(host(0));
  const served = await doctor(root, "--plan-vfs", "3", "--pf", "enp2s0f0np0", "--apply");
  expect(served).toMatchObject({ exitCode: 2, stdout: expect.stringContaining("this is a captured tree") });
  expect(readFileSync(join(root, "sys/devices/pci0000:00/0000:02:00.0/sriov_numvfs"), "utf8")).toBe("0\n");
});

test("manifests reads files as one set", async () => {
  const root = writeTree({});
  const file = join(root, "a.yaml");
  writeFileSync(file, "kind: Pod\nmetadata:\nname: web\n");
  const { stdout, exitCode } = await serve(["manifests", file], "1");
  expect({ stdout, exitCode }).toEqual({
    stdout: expect.stringContaining(`indentation  ${file}:2: mis-indented`),
    exitCode: 2,
  });
});
