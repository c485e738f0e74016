import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { architectures, crossToolsFor, ownArchitecture } from "../../scripts/build/architecture.ts";
import { pkgHome } from "../../scripts/build/base-node.ts";
import { isOnPath } from "../../scripts/build/command.ts";
import { root } from "../../scripts/build/project.ts";
import { clientNames, names, plugins, standaloneNames } from "../../scripts/build/release.ts";
import { describeWhere, need } from "../live/kernel.ts";

const own = ownArchitecture();
const folder = mkdtempSync(join(tmpdir(), "executables-"));
const out = join(folder, "dist");
afterAll(() => rmSync(folder, { recursive: true }));

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, args: readonly string[], env: Record<string, string> = {}, input = ""): Ran {
  const path = process.env.PATH ?? "";
  return spawnSync(program, args, { cwd: folder, env: { PATH: path, ...env }, input, encoding: "utf8" });
}

function build(args: readonly string[], env: Record<string, string> = {}): Ran {
  return run(join(root, "build.sh"), args, env);
}

let built: Ran;
beforeAll(() => {
  built = build(["--out", out]);
}, 300_000);

describe("build.sh", () => {
  it("builds from any folder", () => {
    expect(built).toMatchObject({ status: 0 });
    expect(readdirSync(out)).toContain(`linux-${own}`);
  });

  it("does not strip an unchanged base Node again", { timeout: 300_000 }, () => {
    const version = process.version;
    const base = join(pkgHome, `.pkg-cache/sea/node-${version}-linux-${own}/bin/node`);
    const before = statSync(base);
    expect(build(["--arch", own, "--out", join(folder, "again")])).toMatchObject({ status: 0 });
    expect(statSync(base)).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
  });

  it("builds its own architecture where it lacks the other's tools, and says which package brings them", {
    timeout: 300_000,
  }, () => {
    const [other] = architectures.filter((architecture) => architecture !== own);
    if (other === undefined) throw new Error("there is only one architecture");
    const tools = join(folder, "tools");
    mkdirSync(tools);
    // All that the machine has but what is for the other architecture, under any name (qemu-…, …-linux-gnu-…).
    for (const path of (process.env.PATH ?? "").split(":")) linkTools(path, tools, crossToolsFor[other].gnu);
    const alone = join(folder, "alone");
    const { status, stderr } = build(["--out", alone], { PATH: tools });
    expect({ status, made: readdirSync(alone).includes(`linux-${own}`) }).toEqual({ status: 0, made: true });
    // The addon of the build before may still be there; then only the code cache and the stripping are lacking.
    expect(stderr).toMatch(
      /build\.sh: (arm64|x64) is (left out|built without a code cache).*\(.*(gcc|qemu)-/,
    );
  });

  it("fails on an architecture that it does not know", () => {
    const { status, stderr } = build(["--arch", "mips"]);
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/--arch: "mips"/) });
  });

  it("says npm ci where the project's Node is not installed", () => {
    const bare = join(folder, "bare");
    mkdirSync(bare);
    cpSync(join(root, "build.sh"), join(bare, "build.sh"));
    const { status, stderr } = run(join(bare, "build.sh"), []);
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/npm ci/) });
  });
});

function linkTools(from: string, to: string, exceptGnu: string): void {
  if (!existsSync(from)) return;
  const kept = readdirSync(from).filter((tool) => !tool.includes(exceptGnu) && tool !== "node");
  const present = new Set(readdirSync(to));
  for (const tool of kept.filter((tool) => !present.has(tool))) symlinkSync(join(from, tool), join(to, tool));
}

describe.each(architectures)("the executables of %s", (architecture) => {
  const dist = join(out, `linux-${architecture}`);
  const { gnu, qemu, sysroot, compilerPackage, emulationPackages } = crossToolsFor[architecture];
  const emulated = architecture !== own;
  const cc = emulated ? `${gnu}-linux-gnu-gcc` : "cc";
  const compiler = need(`${architecture}-compiler`, isOnPath(cc), `no ${cc} (${compilerPackage})`);
  const canRun = !emulated || (isOnPath(qemu) && existsSync(sysroot));
  const runner = [compiler, need(`${architecture}-emulation`, canRun, `no ${qemu} (${emulationPackages})`)];

  /** Calls a plugin as a runtime does; a call of no verb gives its about text. */
  function call(name: string, env: Record<string, string>, input = ""): Ran {
    if (!emulated) return run(join(dist, name), [], env, input);
    // The thin client cannot become the executable there: the kernel does not run files of this architecture.
    const isClient = (clientNames as readonly string[]).includes(name);
    const file = join(dist, isClient ? "multi-nic-cni" : name);
    return run(qemu, ["-L", sysroot, "-0", name, file], env, input);
  }

  function answer({ stdout }: Ran): unknown {
    return JSON.parse(stdout);
  }

  describeWhere(runner, emulated ? `under ${qemu}` : "on this machine", () => {
    const conf = JSON.stringify({ cniVersion: "1.0.0", name: "net", type: "any" });
    const pod = { CNI_CONTAINERID: "pod", CNI_NETNS: "/nowhere", CNI_IFNAME: "net1", CNI_PATH: "/nowhere" };

    it.each(plugins)("%s answers VERSION", (name) => {
      const ran = call(name, { CNI_COMMAND: "VERSION" }, '{"cniVersion":"1.0.0"}');
      expect(ran).toMatchObject({ status: 0, stderr: "" });
      expect(answer(ran)).toMatchObject({ supportedVersions: expect.arrayContaining(["0.4.0", "1.1.0"]) });
    });

    it.each(clientNames)("%s hands its call to multi-nicd", async (name) => {
      const state = mkdtempSync(join(folder, "state-"));
      const daemon = spawn(join(out, `linux-${own}`, "multi-nicd"), ["--state-dir", state], {
        stdio: "ignore",
      });
      try {
        await vi.waitFor(() => expect(existsSync(join(state, "cni.sock"))).toBe(true), { timeout: 20_000 });
        const [program, args] = emulated ? [qemu, ["-L", sysroot, join(dist, name)]] : [join(dist, name), []];
        const env = { CNI_COMMAND: "VERSION", MULTI_NIC_CNI_STATE_DIR: state };
        const ran = run(program, args, env, '{"cniVersion":"1.0.0"}');
        expect(ran).toMatchObject({ status: 0, stdout: expect.stringContaining("supportedVersions") });
        const said = run(join(out, `linux-${own}`, "multi-nicd"), ["status", "--json", "--state-dir", state]);
        expect(answer(said)).toMatchObject({ served: 1, declined: 0 });
      } finally {
        daemon.kill("SIGKILL");
      }
    });

    it("infra-dpu-cni answers a STATUS", () => {
      const status = JSON.stringify({ cniVersion: "1.1.0", name: "net", type: "infra-dpu-cni" });
      const env = { CNI_COMMAND: "STATUS", CNI_PATH: "/nowhere", MULTI_NIC_CNI_LOG_FILE: "off" };
      expect(call("infra-dpu-cni", env, status)).toMatchObject({ status: 0, stdout: "", stderr: "" });
    });

    it.each(plugins)("%s answers a bad ADD with an error object, and nothing on stderr", (name) => {
      const ran = call(name, { CNI_COMMAND: "ADD", MULTI_NIC_CNI_LOG_FILE: "off", ...pod }, conf);
      expect(ran).toMatchObject({ status: 1, stderr: "" });
      expect(answer(ran)).toMatchObject({ code: expect.any(Number), msg: expect.stringMatching(/./) });
      // 999 would be a defect, such as a script or an addon that is missing in the executable.
      expect(answer(ran)).not.toMatchObject({ code: 999 });
    });

    it("multi-nic-doctor examines manifests, with no CNI_COMMAND and whatever the environment says", () => {
      const pod = "apiVersion: v1\nkind: Pod\nmetadata:\nname: web\n";
      const env = { CNI_COMMAND: "VERSION" };
      const file = join(dist, "multi-nic-doctor");
      const [program = file, ...args] = [...(emulated ? [qemu, "-L", sysroot] : []), file, "manifests", "-"];
      const { status, stdout, stderr } = run(program, args, env, pod);
      expect({ status, stderr }).toEqual({ status: 2, stderr: "" });
      expect(stdout).toContain("error    indentation  stdin:3: mis-indented: metadata is empty");
    });

    it("is not led by NODE_OPTIONS", () => {
      const env = { CNI_COMMAND: "VERSION", NODE_OPTIONS: "--require=/nowhere/module.js" };
      expect(call("multi-nic", env, '{"cniVersion":"1.0.0"}')).toMatchObject({ status: 0, stderr: "" });
    });
  });

  describe.skipIf(emulated && !isOnPath(`${crossToolsFor[architecture].gnu}-linux-gnu-gcc`))(
    "as files",
    () => {
      it.each([
        ["the executable", standaloneNames],
        ["the thin client", clientNames],
      ])("are hard links: %s's names", (_, each) => {
        expect(new Set(each.map((name) => statSync(join(dist, name)).ino)).size).toBe(1);
      });

      it("have beside them an installer in one file, and above them one for a fleet, that both run", () => {
        for (const script of [join(dist, "install.sh"), join(out, "install-fleet.sh")])
          expect(run(script, ["--help"])).toMatchObject({ status: 0, stderr: "" });
      });

      it("are what SHA256SUMS says", () => {
        const { status, stdout } = run("sh", ["-c", 'cd "$0" && sha256sum -c SHA256SUMS', dist]);
        expect({ status, stdout }).toEqual({
          status: 0,
          stdout: names.map((name) => `${name}: OK\n`).join(""),
        });
      });

      it("are all there is in the folder, with SHA256SUMS", () => {
        expect(readdirSync(dist).sort()).toEqual(["SHA256SUMS", ...names].sort());
      });
    },
  );
});
