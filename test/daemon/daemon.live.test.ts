import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { type Daemon, startDaemon } from "../live/daemon.ts";
import { describeWhere, linkKind } from "../live/kernel.ts";
import { kernelState } from "../live/kernel-state.ts";
import { makeNamespace } from "../live/namespaces.ts";
import { emptyStore, makeNode, storeOf } from "../live/node.ts";
import { add, bin, call, refused, succeed, withPrevResult } from "../live/plugin.ts";
import { at, here, ifnamesOf, network, useScene } from "../live/scene.ts";
import { oneAddress, slow, withIpam } from "./slow.ts";

/** The daemon of the scene's node; killed with the test. */
const start = (args: readonly string[] = []): Daemon =>
  startDaemon(here().node.host.name, here().node.stateDir, args);

/** Processes that wrote the log of calls, by their numbers. */
const servers = (): Set<number> =>
  new Set(
    readFileSync(here().node.logFile, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).pid),
  );

const linesOf = ({ log }: Daemon): JsonObject[] =>
  readFileSync(log, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

async function connected(daemon: Daemon): Promise<Socket> {
  const socket = connect(daemon.socket);
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

const closed = (socket: Socket) =>
  new Promise<void>((resolve) => (socket.destroyed ? resolve() : socket.once("close", () => resolve())));

const get = (path: string, socketPath: string): Promise<string> =>
  new Promise((resolve, reject) => {
    request({ socketPath, path }, (response) => {
      const chunks: Buffer[] = [];
      response
        .on("data", (chunk) => chunks.push(chunk))
        .on("end", () => resolve(Buffer.concat(chunks).toString()));
    })
      .on("error", reject)
      .end();
  });

describeWhere([linkKind("macvlan")], "multi-nicd", () => {
  useScene();

  test("serves ADD, CHECK and DEL in its own process, and leaves nothing", async () => {
    using daemon = start();
    const result = await add(here().node, network(), at());
    await succeed(here().node, "CHECK", withPrevResult(network(), result), at());
    expect(ifnamesOf(here().pod)).toEqual(["net1-0", "net1-1"]);
    await succeed(here().node, "DEL", network(), at());
    expect(kernelState(here().pod)).toEqual(here().empty);
    expect(storeOf(here().node)).toEqual(emptyStore);
    expect(servers()).toEqual(new Set([daemon.process.pid]));
    expect(daemon.status()).toMatchObject({ serving: true, served: 3, failed: 0, declined: 0, atWork: 0 });
  });

  test("makes its sockets for root alone", () => {
    using daemon = start();
    const { stateDir } = here().node;
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
    expect([daemon.socket, join(stateDir, "metrics.sock"), stateDir].map(mode)).toEqual([
      "600",
      "600",
      "700",
    ]);
  });

  test("holds no namespace of a pod that is gone, in any of its threads", async () => {
    using daemon = start();
    using pod = makeNamespace("short");
    await add(here().node, network(), { netns: pod.path });
    await succeed(here().node, "DEL", network(), { netns: pod.path });
    const tasks = `/proc/${daemon.process.pid}/task`;
    const namespaces = new Set(readdirSync(tasks).map((task) => readlinkSync(join(tasks, task, "ns/net"))));
    expect(namespaces.size).toBe(1);
    const open = readdirSync(`/proc/${daemon.process.pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${daemon.process.pid}/fd/${fd}`)];
      } catch {
        return [];
      }
    });
    // Its own is open as long as it follows the NICs there.
    expect(open.filter((target) => target.startsWith("net:") && !namespaces.has(target))).toEqual([]);
  });

  test("adds and deletes 50 pods at once: every call succeeds, no address is given twice", async () => {
    using daemon = start();
    const pods = Array.from({ length: 50 }, () => makeNamespace("many"));
    try {
      const attachments = pods.map(({ path }, i) => ({ netns: path, containerId: `many-${i}` }));
      const results = await Promise.all(attachments.map((each) => add(here().node, network(), each)));
      const addresses = results.flatMap(({ ips }) => ips.map(({ address }) => address));
      expect(new Set(addresses).size).toBe(100);
      await Promise.all(attachments.map((each) => succeed(here().node, "DEL", network(), each)));
      expect(pods.map(ifnamesOf)).toEqual(pods.map(() => []));
    } finally {
      for (const pod of pods) pod[Symbol.dispose]();
    }
    expect(storeOf(here().node)).toEqual(emptyStore);
    // How many it could take in time is the machine's affair; the others were the executable's.
    const { served, failed, atWork } = daemon.status();
    expect({ failed, atWork }).toEqual({ failed: 0, atWork: 0 });
    expect(served).toBeGreaterThan(0);
  });

  test("serves from a database that replaces the one it had open", async () => {
    using _daemon = start();
    await add(here().node, network(), at());
    await succeed(here().node, "DEL", network(), at());
    for (const suffix of ["", "-wal", "-shm"])
      rmSync(join(here().node.stateDir, `state.db${suffix}`), { force: true });
    await add(here().node, network(), at());
    expect(storeOf(here().node).attachments).toEqual(["c1 net1"]);
  });

  const rubbish: readonly (readonly [title: string, bytes: Buffer])[] = [
    ["noise", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["another version", Buffer.from("MNC9\x04\0\0\0abcd", "latin1")],
    ["a request that claims to be of 4 GB", Buffer.from("MNC1\xff\xff\xff\xff", "latin1")],
    ["a request without its texts", Buffer.from("MNC1\x04\0\0\0abcd", "latin1")],
    ["more than a request", Buffer.from("MNC1\0\0\0\0more", "latin1")],
    ["a megabyte", Buffer.alloc(1 << 20)],
  ];
  test.each(rubbish)("turns %s away, and goes on serving", async (_title, bytes) => {
    using daemon = start();
    const socket = await connected(daemon);
    socket.write(bytes);
    await closed(socket);
    expect(socket.bytesRead).toBe(0);
    await add(here().node, network(), at());
    expect(daemon.status()).toMatchObject({ served: 1, declined: 1 });
  });

  test("does not wait for ever for a request that does not come", async () => {
    using daemon = start();
    const [silent, half, slowly] = [
      await connected(daemon),
      await connected(daemon),
      await connected(daemon),
    ];
    half.write("MNC1\x08\0\0\0abc");
    slowly.write("MNC1\xff\0\0\0");
    const drip = setInterval(() => slowly.write("a"), 500);
    await Promise.all([silent, half, slowly].map(closed));
    clearInterval(drip);
    expect(linesOf(daemon).filter(({ reason }) => reason === "its request did not come")).toHaveLength(3);
  });

  test("serves on with a thousand connections that say nothing, or leaves calls to the executable", async () => {
    using daemon = start();
    const idle = await Promise.all(Array.from({ length: 1000 }, () => connected(daemon)));
    await add(here().node, network(), at());
    for (const socket of idle) socket.destroy();
    await succeed(here().node, "DEL", network(), at());
    expect(kernelState(here().pod)).toEqual(here().empty);
    await vi.waitFor(() => expect(daemon.status()).toMatchObject({ atWork: 0 }));
  });

  test("leaves calls from another network namespace, and for another folder, to the executable", async () => {
    using daemon = start();
    using elsewhere = makeNode(2);
    using pod = makeNamespace("elsewhere");
    const strayed = {
      ...elsewhere,
      env: { ...elsewhere.env, MULTI_NIC_CNI_STATE_DIR: here().node.stateDir },
    };
    await add(strayed, network(), { netns: pod.path, containerId: "strayed" });
    expect(linesOf(daemon).map(({ reason }) => reason)).toContain("from another network namespace");
    expect(ifnamesOf(pod)).toEqual(["net1-0", "net1-1"]);
  });

  test("killed while ADD is at work: the caller is told, and DEL leaves nothing", async () => {
    const { ipam, conf, attachment, begun } = slow();
    using _ipam = ipam;
    const daemon = start();
    const adding = refused(here().node, "ADD", conf, attachment);
    await begun();
    daemon.process.kill("SIGKILL");
    expect(await adding).toMatchObject({
      code: 11,
      msg: expect.stringContaining("multi-nicd took this ADD"),
    });
    await succeed(here().node, "DEL", conf, attachment);
    expect(kernelState(here().pod)).toEqual(here().empty);
    expect(storeOf(here().node)).toEqual(emptyStore);
    using next = start();
    await add(here().node, network(), at());
    expect(next.status()).toMatchObject({ served: 1 });
  });

  test("killed while DEL is at work: the executable does it again", async () => {
    const { ipam, conf, attachment } = withIpam(
      oneAddress,
      '[ "$CNI_COMMAND" != DEL ] || [ -e "$0.once" ] || { : >"$0.once"; exec sleep 30; }',
    );
    using _ipam = ipam;
    const daemon = start();
    await add(here().node, conf, attachment);
    const deleting = succeed(here().node, "DEL", conf, attachment);
    await vi.waitFor(() => expect(ipam.calls().map(({ command }) => command)).toContain("DEL"));
    daemon.process.kill("SIGKILL");
    await deleting;
    expect(kernelState(here().pod)).toEqual(here().empty);
    expect(storeOf(here().node)).toEqual(emptyStore);
  });

  test("stopped: the executable serves, and what the daemon finds later it does not do again", async () => {
    using daemon = start();
    daemon.process.kill("SIGSTOP");
    await add(here().node, network(), at());
    daemon.process.kill("SIGCONT");
    await vi.waitFor(() => expect(daemon.status()).toMatchObject({ served: 0, declined: 1 }));
    expect(storeOf(here().node).attachments).toEqual(["c1 net1"]);
    await succeed(here().node, "DEL", network(), at());
    expect(storeOf(here().node)).toEqual(emptyStore);
  });

  test("told to end, it ends the calls at work first, and takes no new ones", async () => {
    const { ipam, conf, attachment, begun } = slow();
    using _ipam = ipam;
    const daemon = start();
    const adding = add(here().node, conf, attachment);
    await begun();
    const ended = once(daemon.process, "exit");
    daemon.process.kill("SIGTERM");
    await vi.waitFor(() => expect(linesOf(daemon).at(-1)).toMatchObject({ message: "ending", atWork: 1 }));
    using other = makeNamespace("late");
    await add(here().node, network({ name: "n2" }), { netns: other.path, containerId: "late" });
    ipam.recover();
    expect((await adding).ips).toHaveLength(1);
    expect(await ended).toEqual([0, null]);
    expect(servers().size).toBe(2);
  });

  test("does not wait for calls past --drain", async () => {
    const { ipam, conf, attachment, begun } = slow();
    using _ipam = ipam;
    const daemon = start(["--drain", "1"]);
    const adding = refused(here().node, "ADD", conf, attachment);
    await begun();
    const ended = once(daemon.process, "exit");
    daemon.process.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    expect(await adding).toMatchObject({ code: 11 });
    await succeed(here().node, "DEL", conf, attachment);
    expect(storeOf(here().node)).toEqual(emptyStore);
  });

  test("of two for one folder the second says so and ends", async () => {
    using _daemon = start();
    const { host, stateDir } = here().node;
    const second = spawn("ip", [
      "netns",
      "exec",
      host.name,
      join(bin, "multi-nicd"),
      "--state-dir",
      stateDir,
    ]);
    let said = "";
    second.stderr.on("data", (chunk) => {
      said += chunk;
    });
    expect(await once(second, "close")).toEqual([1, null]);
    expect(said).toMatch(/another multi-nicd serves .*end it first/);
    await add(here().node, network(), at());
  });

  test("ends for a new start where its socket was taken away", async () => {
    const daemon = start();
    const ended = once(daemon.process, "exit");
    rmSync(daemon.socket);
    expect(await ended).toEqual([1, null]);
    expect(linesOf(daemon).map(({ reason }) => reason)).toContain("its socket was taken away");
  });

  test("a socket left by one that was killed is no hindrance", async () => {
    const before = start();
    before.process.kill("SIGKILL");
    await once(before.process, "exit");
    using daemon = start();
    await add(here().node, network(), at());
    expect(daemon.status()).toMatchObject({ served: 1 });
  });

  test("counts calls, times, leases and pools for Prometheus", async () => {
    using _daemon = start();
    await add(here().node, network(), at());
    await refused(here().node, "ADD", network(), at());
    await call(here().node, "STATUS", network());
    const metrics = await get("/metrics", join(here().node.stateDir, "metrics.sock"));
    for (const line of [
      'multi_nic_cni_requests_total{plugin="multi-nic",command="ADD",code="0"} 1',
      'multi_nic_cni_requests_total{plugin="multi-nic",command="ADD",code="105"} 1',
      'multi_nic_cni_request_duration_seconds_count{plugin="multi-nic",command="ADD"} 2',
      'multi_nic_cni_leases{network="n1",family="4"} 2',
      'multi_nic_cni_pool_addresses{network="n1",family="4"} 508',
      "multi_nic_cni_requests_in_flight 0",
    ])
      expect(metrics.split("\n")).toContain(line);
  });

  test("gives metrics on loopback where it is told to", async () => {
    using daemon = start(["--metrics", "127.0.0.1:9417"]);
    const { host } = here().node;
    const asking = "fetch(process.argv[1]).then(async (r) => console.log(r.status, await r.text()))";
    const asked = (path: string) =>
      host.exec(process.execPath, "--eval", asking, `http://127.0.0.1:9417${path}`);
    expect(asked("/healthz")).toBe("200 ok\n\n");
    expect(asked("/nothing")).toMatch(/^404 GET \/metrics/);
    expect(daemon.status()).toMatchObject({ serving: true });
  });

  test("status says how it is, and where none serves what to do", () => {
    const { stateDir } = here().node;
    const status = () =>
      execFileSync(join(bin, "multi-nicd"), ["status", "--state-dir", stateDir], { encoding: "utf8" });
    expect(status).toThrow(
      expect.objectContaining({
        status: 1,
        stdout: expect.stringMatching(/no multi-nicd answers.*systemctl start/),
      }),
    );
    using daemon = start();
    expect(status()).toMatch(
      new RegExp(`serves ${stateDir} \\(pid ${daemon.process.pid}, .* MiB resident\\)\n0 calls served`),
    );
  });
});
