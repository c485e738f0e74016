import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { getPriority } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startDaemon } from "../live/daemon.ts";
import { describeWhere, linkKind } from "../live/kernel.ts";
import { add, bin, succeed } from "../live/plugin.ts";
import { at, here, network, useScene } from "../live/scene.ts";
import { oneAddress, withIpam } from "./slow.ts";

const filesOf = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      // The descriptor of the folder itself
      return [];
    }
  });

/** How often threads waited, but for the main one: the pool's, and those that V8 keeps for itself. */
const waitsOfOthers = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`)
    .filter((thread) => thread !== `${pid}`)
    .map((thread) => readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8"))
    .filter((status) => status.startsWith("Name:\tlibuv-worker"))
    .reduce((sum, status) => sum + Number(/^voluntary_ctxt_switches:\t(\d+)$/m.exec(status)?.[1]), 0);

/** Nice values of its main thread and of those of its pool (proc(5), stat). */
const nicenessOf = (pid: number): Set<number> =>
  new Set(
    readdirSync(`/proc/${pid}/task`)
      .map((thread) => readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8"))
      .filter((stat) => stat.startsWith(`${pid} `) || stat.includes("(libuv-worker)"))
      .map((stat) => Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16])),
  );

// The scripts of the executable each have a copy of what they share: what is said to one must hold for all.
describeWhere([linkKind("macvlan")], "multi-nicd, as the executable", () => {
  useScene();

  test("keeps the database open after a call, and sends from the threads of its pool", async () => {
    const { node } = here();
    using daemon = startDaemon(node.host.name, node.stateDir);
    const { pid = 0 } = daemon.process;
    const before = waitsOfOthers(pid);
    const conf = network({ masters: ["eth1"] });
    await add(node, conf, at());
    await succeed(node, "DEL", conf, at());
    expect(daemon.status()).toMatchObject({ served: 2, declined: 0 });
    expect(filesOf(pid)).toContain(`${node.stateDir}/state.db`);
    expect(waitsOfOthers(pid)).toBeGreaterThan(before);
  });

  test.each<[title: string, prefix: readonly string[], niceness: number, ofDelegates: number]>([
    ["goes before others on a busy node", [], -20, 0],
    ["goes before others though it is started behind them", ["nice", "-n", "5"], -20, 0],
    [
      "serves without CAP_SYS_NICE too",
      ["setpriv", "--bounding-set=-sys_nice"],
      getPriority(),
      getPriority(),
    ],
  ])("%s, and its delegates do as anybody's", async (_, prefix, niceness, ofDelegates) => {
    const { node } = here();
    const { ipam, conf, attachment } = withIpam(`nice >"$0.nice"; ${oneAddress}`);
    using _ipam = ipam;
    using daemon = startDaemon(node.host.name, node.stateDir, [], bin, prefix);
    expect([...nicenessOf(daemon.process.pid ?? 0)]).toEqual([niceness]);
    await add(node, conf, attachment);
    expect(Number(readFileSync(join(ipam.folder, "fake-ipam.nice"), "utf8"))).toBe(ofDelegates);
    expect(daemon.status()).toMatchObject({ served: 1, declined: 0 });
    expect([...nicenessOf(daemon.process.pid ?? 0)]).toEqual([niceness]);
  });
});
