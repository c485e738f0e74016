import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { startDaemon } from "../live/daemon.ts";
import { describeWhere, linkKind } from "../live/kernel.ts";
import { add, succeed } from "../live/plugin.ts";
import { at, here, network, useScene } from "../live/scene.ts";

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
});
