import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ClusterStatus } from "../../daemon/cluster/cluster-status.ts";
import type { JsonObject } from "../../lib/cni/json.ts";
import { type Daemon, startDaemon } from "../live/daemon.ts";
import { describeWhere, linkKind } from "../live/kernel.ts";
import { makeNamespace } from "../live/namespaces.ts";
import { makeNode, type Node } from "../live/node.ts";
import { add, bin, succeed } from "../live/plugin.ts";

let node: Node;
let file: string;
beforeEach(() => {
  node = makeNode(2);
  file = join(node.stateDir, "../cluster.yaml");
});
afterEach(() => node[Symbol.dispose]());

/** In its place at once, so that no half of it is read. */
function writeFile(hosts: number, more = ""): void {
  const lines = Array.from({ length: hosts }, (_, i) => {
    const end = `${Math.floor(i / 250)}.${(i % 250) + 1}`;
    return `- { name: h${i + 1}, index: ${i + 1}, addresses: [10.1.${end}, 10.2.${end}] }`;
  });
  const network = "{ name: rails, subnet: 172.16.0.0/12, ipam: { interfaceBlock: 1, hostBlock: 12 } }";
  writeFileSync(`${file}.new`, `networks: [${network}]\nhosts:\n${lines.join("\n")}\n${more}`);
  renameSync(`${file}.new`, file);
}

const linesOf = ({ log }: Daemon): JsonObject[] =>
  readFileSync(log, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as JsonObject);

/** How many hosts each file had that it took. */
const taken = (daemon: Daemon) =>
  linesOf(daemon).flatMap(({ message, hosts }) => (message === "took the cluster file" ? [hosts] : []));

const soon = (check: () => void) => vi.waitFor(check, { timeout: 30_000, interval: 50 });

/** Stops the process that reads the file as soon as there is one. */
async function stopReader({ process: { pid } }: Daemon): Promise<number> {
  const tasks = `/proc/${pid}/task`;
  return vi.waitFor(
    () => {
      const children = readdirSync(tasks).map((task) => readFileSync(join(tasks, task, "children"), "utf8"));
      const [reader = 0] = children.join(" ").split(" ").filter(Boolean).map(Number);
      expect(reader).toBeGreaterThan(0);
      // Until it is another program, the daemon waits for it in spawn.
      expect(readFileSync(`/proc/${reader}/cmdline`, "utf8")).toContain("read-cluster");
      process.kill(reader, "SIGSTOP");
      return reader;
    },
    { timeout: 30_000, interval: 1 },
  );
}

const statusOf = (): ClusterStatus =>
  JSON.parse(
    node.host.exec(
      "sh",
      "-c",
      `"$0" routes --json --state-dir "$1" || :`,
      join(bin, "multi-nicd"),
      node.stateDir,
    ),
  );

const conf = {
  cniVersion: "1.1.0",
  name: "pods",
  type: "multi-nic",
  plugin: { type: "macvlan" },
  masters: ["eth1"],
  subnet: "192.168.0.0/16",
  ipam: { type: "multi-nic-ipam" },
};

describeWhere([linkKind("macvlan"), linkKind("veth")], "multi-nicd while it reads a cluster file", () => {
  test("serves calls", async () => {
    writeFile(2);
    using daemon = startDaemon(node.host.name, node.stateDir, ["--cluster", file, "--node", "h1"]);
    writeFile(4_000);
    const reader = await stopReader(daemon);
    using pod = makeNamespace("pod");
    // A call that a busy machine let wait for 200 ms is the standalone executable's: the next is not.
    await soon(async () => {
      await add(node, conf, { netns: pod.path });
      await succeed(node, "DEL", conf, { netns: pod.path });
      expect(daemon.status().served).toBeGreaterThanOrEqual(2);
    });
    expect(taken(daemon)).toEqual([2]);
    process.kill(reader, "SIGCONT");
    await soon(() => expect(taken(daemon)).toEqual([2, 4_000]));
  });

  test("keeps what was in force where the process that reads it is killed, and says so", async () => {
    writeFile(2);
    using daemon = startDaemon(node.host.name, node.stateDir, ["--cluster", file, "--node", "h1"]);
    writeFile(4_000);
    process.kill(await stopReader(daemon), "SIGKILL");
    await soon(() =>
      expect(statusOf().problems).toEqual([
        expect.stringMatching(/cluster\.yaml: the process that reads it ended with SIGKILL/),
      ]),
    );
    expect(statusOf().networks).toEqual(["rails"]);
    writeFile(4_000, "# once more\n");
    await soon(() => expect(taken(daemon)).toEqual([2, 4_000]));
    await soon(() => expect(statusOf().problems).toEqual([]));
  });

  test("reads no file again that it has, and has no objection to it", async () => {
    writeFile(2);
    using daemon = startDaemon(node.host.name, node.stateDir, ["--cluster", file, "--node", "h1"]);
    writeFile(2, "hosts: []\n");
    await soon(() => expect(statusOf().problems).toEqual([expect.stringContaining("YAML")]));
    writeFile(2);
    await soon(() => expect(statusOf().problems).toEqual([]));
    expect(taken(daemon)).toEqual([2]);
  });

  test("takes no half of a file, though it is a valid one", async () => {
    writeFile(2);
    const whole = readFileSync(file, "utf8");
    const half = whole.replace(/- \{ name: h2.*/, "");
    writeFileSync(`${file}.half`, half);
    // Each look at a pipe finds what one of these writes, and first the half.
    const write = 'mkfifo "$0.pipe"; cat "$0.half" >"$0.pipe"; while sleep 0.2; do cat "$0" >"$0.pipe"; done';
    const writer = spawn("sh", ["-c", write, file], { detached: true, stdio: "ignore" });
    try {
      await vi.waitFor(() => expect(existsSync(`${file}.pipe`)).toBe(true));
      using daemon = startDaemon(node.host.name, node.stateDir, [
        "--cluster",
        `${file}.pipe`,
        "--node",
        "h1",
      ]);
      expect(taken(daemon)).toEqual([2]);
    } finally {
      process.kill(-(writer.pid ?? 0), "SIGKILL");
    }
  });

  test("ends at once when it is told to", async () => {
    writeFile(2);
    using daemon = startDaemon(node.host.name, node.stateDir, ["--cluster", file, "--node", "h1"]);
    writeFile(4_000);
    const reader = await stopReader(daemon);
    daemon.process.kill("SIGTERM");
    await soon(() => expect(daemon.process.exitCode).toBe(0));
    await soon(() => expect(() => process.kill(reader, 0)).toThrow("ESRCH"));
  });
});
