import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { describeWhere } from "../../live/kernel.ts";
import { type Dpu, dpuNeeds, type Fleet, makeFleet } from "./dpu.ts";
import { standInRelease } from "./tree.ts";

const script = join(import.meta.dirname, "../../../scripts/install-fleet.sh");
const home = "/var/home/core";

describeWhere(dpuNeeds, "install-fleet.sh, to one DPU", () => {
  let fleet: Fleet;
  let dpu: Dpu;
  let dist: string;
  beforeAll(async () => {
    fleet = await makeFleet(1);
    dist = standInRelease(join(fleet.folder, "dist"));
    const [first] = fleet.dpus;
    if (first === undefined) throw new Error("no DPU");
    dpu = first;
  });
  afterAll(() => fleet?.[Symbol.asyncDispose]());
  afterEach(() => dpu.shell(`rm -rf ${home}/* /run/staging`));

  const run = async (host: string, options: readonly string[] = []) => {
    const out = join(fleet.folder, "out");
    rmSync(out, { recursive: true, force: true });
    writeFileSync(join(fleet.folder, "inventory"), `${host}\n`);
    const done = await fleet.run(script, [
      ...["--ssh-config", fleet.sshConfig, "--dist", dist, "--out", out, ...options],
      join(fleet.folder, "inventory"),
    ]);
    const [report] = JSON.parse(readFileSync(join(out, "report.json"), "utf8")).hosts;
    return { ...done, report };
  };
  /** As the user core, who logs in. */
  const asCore = (command: string) => dpu.shell(`setpriv --reuid 61000 --clear-groups sh -c '${command}'`);

  test.each([
    ["the login user's home", home, ""],
    ["a home with a slash behind it", `${home}/`, ""],
    ["a folder that is not there yet", `${home}/a/b`, "a/b"],
  ])("--staging with %s takes away nothing but its own folder there", async (_, staging, left) => {
    await asCore(
      `echo kept >${home}/notes; mkdir ${home}/multi-nic-cni && echo kept >${home}/multi-nic-cni/notes`,
    );
    const done = await run(dpu.address, ["--staging", staging]);
    expect(done, done.stdout).toMatchObject({ exitCode: 0, stderr: "" });
    const there = await dpu.shell(`cd ${home} && cat notes multi-nic-cni/notes && find . | sort`);
    const folders = left === "" ? [] : ["./a", "./a/b"];
    expect(there.stdout.split("\n")).toEqual([
      ...["kept", "kept", ".", ...folders, "./multi-nic-cni", "./multi-nic-cni/notes", "./notes"],
    ]);
  });

  describe("by IPv6", () => {
    beforeAll(async () => {
      const keys = "-o HostKey=/etc/ssh/host_key -o AuthorizedKeysFile=/etc/ssh/authorized_keys";
      const options = `-o UsePAM=no -o StrictModes=no -o "Subsystem=sftp internal-sftp" -o PidFile=none ${keys}`;
      const started = await dpu.shell(`/usr/sbin/sshd -f /dev/null -o ListenAddress=::1 ${options}`);
      expect(started).toMatchObject({ exitCode: 0 });
      const [, ...key] = readFileSync(join(fleet.folder, "known_hosts"), "utf8").split(" ");
      appendFileSync(join(fleet.folder, "known_hosts"), `::1 ${key.join(" ")}`);
    });

    test.each(["core@[::1]", "[::1]", "core@::1", "::1"])("%s is reached by ssh and by scp", async (host) => {
      const done = await run(host);
      expect(done, done.stdout).toMatchObject({ exitCode: 0, stderr: "", report: { host } });
      expect(await dpu.shell(`ls ${home}`)).toMatchObject({ stdout: "" });
    });
  });

  test("what a run that was interrupted has left in that folder is used, and taken away", async () => {
    await asCore(
      `mkdir -p ${home}/multi-nic-cni-fleet/new && cd ${home}/multi-nic-cni-fleet && echo part >infra-dpu-cni && : >.install-fleet`,
    );
    expect(await run(dpu.address)).toMatchObject({ exitCode: 0 });
    expect(await dpu.shell(`ls ${home}`)).toMatchObject({ stdout: "" });
  });

  test.each([
    ["with somebody's files in it", `mkdir F && echo kept >F/notes`],
    ["that is a link to another", `mkdir ${home}/else && echo kept >${home}/else/notes && ln -s else F`],
    ["that is no folder", `echo kept >F`],
  ])("a folder of that name %s is left alone, and the DPU is refused", async (_, make) => {
    await asCore(make.replaceAll("F", `${home}/multi-nic-cni-fleet`));
    const before = await dpu.shell(`cd ${home} && find . -ls && cat */notes`);
    const { exitCode, report } = await run(dpu.address);
    expect({ exitCode, report }).toMatchObject({
      exitCode: 1,
      report: { result: "failed", message: expect.stringContaining(`${home}/multi-nic-cni-fleet is there`) },
    });
    expect(await dpu.shell(`cd ${home} && find . -ls && cat */notes`)).toEqual(before);
  });

  test("one that belongs to another user is refused: who made it could change what sudo runs", async () => {
    await dpu.shell(
      "mkdir -m 777 -p /run/staging/multi-nic-cni-fleet && chmod 777 /run/staging && : >/run/staging/multi-nic-cni-fleet/.install-fleet",
    );
    const { exitCode, report } = await run(dpu.address, ["--staging", "/run/staging"]);
    expect({ exitCode, report }).toMatchObject({
      exitCode: 1,
      report: { message: expect.stringContaining("/run/staging/multi-nic-cni-fleet is there") },
    });
    expect(existsSync(dpu.path("/run/staging/multi-nic-cni-fleet/.install-fleet"))).toBe(true);
  });
});
