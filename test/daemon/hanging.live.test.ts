import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { type Daemon, startDaemon } from "../live/daemon.ts";
import { describeWhere, linkKind } from "../live/kernel.ts";
import { kernelState } from "../live/kernel-state.ts";
import { emptyStore, storeOf } from "../live/node.ts";
import { type Attachment, add, bin, call, succeed } from "../live/plugin.ts";
import { at, atOther, here, ifnamesOf, network, useScene } from "../live/scene.ts";
import { oneAddress, slow, untilWell, withIpam } from "./slow.ts";

const start = (): Daemon => startDaemon(here().node.host.name, here().node.stateDir);

const becomes = (daemon: Daemon, status: object) =>
  vi.waitFor(() => expect(daemon.status()).toMatchObject(status), 20_000);

/** An ADD whose client can be killed. */
function addBy(conf: JsonObject, { netns, path = "" }: Attachment) {
  const { node } = here();
  const client = spawn("ip", ["netns", "exec", node.host.name, join(bin, "multi-nic")], {
    env: {
      PATH: process.env.PATH ?? "",
      CNI_COMMAND: "ADD",
      CNI_CONTAINERID: "c1",
      CNI_IFNAME: "net1",
      CNI_NETNS: netns,
      CNI_PATH: path,
      ...node.env,
    },
    stdio: ["pipe", "ignore", "ignore"],
  });
  client.stdin.end(JSON.stringify(conf));
  return async () => {
    const ended = once(client, "exit");
    client.kill("SIGKILL");
    await ended;
  };
}

describeWhere([linkKind("macvlan")], "multi-nicd, with calls that hang", () => {
  useScene();

  test("serves the others while 65 wait for their IPAM", async () => {
    const { ipam, conf, attachment } = slow();
    using _ipam = ipam;
    using daemon = start();
    const hanging: Promise<unknown>[] = [];
    // One that a busy machine left to the executable does not count.
    while (hanging.length < 65 || (Number(daemon.status().atWork) < 65 && hanging.length < 90)) {
      const ifname = `h${hanging.length}`;
      hanging.push(call(here().node, "ADD", conf, { ...attachment, ifname, containerId: ifname }));
      await vi.waitFor(() => expect(ipam.calls()).toHaveLength(hanging.length), 5_000);
    }
    const before = Number(daemon.status().declined);
    await add(here().node, network(), atOther());
    await succeed(here().node, "DEL", network(), atOther());
    await succeed(here().node, "VERSION", network());
    expect(ifnamesOf(here().other)).toEqual([]);
    expect(daemon.status()).toMatchObject({ served: 3, failed: 0, declined: before });
    ipam.recover();
    await Promise.all(hanging);
    expect(daemon.status()).toMatchObject({ atWork: 0 });
  });

  test("an ADD that waits for its attachment's lock is not begun once its client has left", async () => {
    const { ipam, conf, attachment } = withIpam(oneAddress, untilWell);
    using _ipam = ipam;
    using daemon = start();
    await add(here().node, conf, attachment);
    const deleting = succeed(here().node, "DEL", conf, attachment);
    await vi.waitFor(() => expect(ipam.calls()).toHaveLength(2));
    const kill = addBy(conf, attachment);
    await becomes(daemon, { atWork: 2 });
    await kill();
    ipam.recover();
    await deleting;
    await becomes(daemon, { atWork: 0 });
    expect(ipam.calls().map(({ command }) => command)).toEqual(["ADD", "DEL"]);
    expect(storeOf(here().node)).toEqual(emptyStore);
    expect(kernelState(here().pod)).toEqual(here().empty);
    await add(here().node, network(), at());
  });

  test("an ADD whose client has left while it was at work undoes itself", async () => {
    const { ipam, conf, attachment, begun } = slow();
    using _ipam = ipam;
    using daemon = start();
    const kill = addBy(conf, attachment);
    await begun();
    await kill();
    ipam.recover();
    await becomes(daemon, { atWork: 0, failed: 1 });
    expect(ipam.calls().map(({ command }) => command)).toEqual(["ADD", "DEL"]);
    expect(storeOf(here().node)).toEqual(emptyStore);
    expect(kernelState(here().pod)).toEqual(here().empty);
  });
});
