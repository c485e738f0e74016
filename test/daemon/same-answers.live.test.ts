import { describe, expect, test } from "vitest";
import { pool } from "../live/conf.ts";
import { type Daemon, startDaemon } from "../live/daemon.ts";
import { describeWhere, linkKind } from "../live/kernel.ts";
import { kernelState } from "../live/kernel-state.ts";
import { emptyStore, storeOf, tamperStore } from "../live/node.ts";
import { add, refused, succeed } from "../live/plugin.ts";
import { at, atOther, here, ifnamesOf, network, useScene, valid } from "../live/scene.ts";
import { oneAddress, slow, withIpam } from "./slow.ts";

/** Two addresses for each NIC. */
const tight = () => network(pool([4], { interfaceBlock: 1, hostBlock: 13, coolDown: 0 }));

/** As an ADD leaves it that could not undo itself, or whose process or daemon was killed. */
const leaveUnfinished = (state: string) =>
  tamperStore(here().node, `UPDATE attachments SET state = '${state}' WHERE ifname = 'net1'`);

// A daemon outlives its calls: that the process of an ADD is there says nothing of the ADD.
describeWhere([linkKind("macvlan")], "what an ADD left that nobody is at work on any more", () => {
  useScene();

  describe.each<[title: string, start: () => Daemon | undefined]>([
    ["standalone", () => undefined],
    ["by multi-nicd", () => startDaemon(here().node.host.name, here().node.stateDir)],
  ])("%s", (_, start) => {
    test("is undone by the same ADD once the IPAM that failed to undo it is well", async () => {
      const failing = `[ -e "$0.well" ] || { echo '{"cniVersion":"1.1.0","code":999,"msg":"ill"}'; exit 1; }`;
      const { ipam, conf, attachment } = withIpam(`${failing}; ${oneAddress}`, failing);
      using _ipam = ipam;
      using _daemon = start();
      expect(await refused(here().node, "ADD", conf, attachment)).toMatchObject({ code: 999 });
      expect(storeOf(here().node).attachments).toEqual(["c1 net1"]);
      ipam.recover();
      expect((await add(here().node, conf, attachment)).ips).toHaveLength(1);
      expect(ipam.calls().map(({ command }) => command)).toEqual(["ADD", "DEL", "DEL", "ADD"]);
    });

    test.each(["adding", "deleting"])(
      "gives its address to an ADD that finds no other: %s",
      async (state) => {
        using _daemon = start();
        const { ips } = await add(here().node, tight(), at());
        await add(here().node, tight(), { ...at(), ifname: "net2" });
        expect(await refused(here().node, "ADD", tight(), atOther())).toMatchObject({ code: 104 });
        expect(await refused(here().node, "STATUS", tight())).toMatchObject({ code: 50 });
        leaveUnfinished(state);
        await succeed(here().node, "STATUS", tight());
        expect((await add(here().node, tight(), atOther())).ips).toEqual(ips);
        expect(ifnamesOf(here().pod)).toEqual(["net2-0", "net2-1"]);
      },
    );

    test.each(["adding", "deleting"])("is taken away by GC, though it is listed: %s", async (state) => {
      using _daemon = start();
      await add(here().node, network(), at());
      leaveUnfinished(state);
      await succeed(here().node, "GC", network(valid({ containerID: "c1", ifname: "net1" })));
      expect(storeOf(here().node)).toEqual(emptyStore);
      expect(kernelState(here().pod)).toEqual(here().empty);
    });

    test("is none where its ADD is at work: GC and others leave it alone", async () => {
      const { ipam, conf, attachment, begun } = slow();
      using _ipam = ipam;
      using _daemon = start();
      const adding = add(here().node, conf, attachment);
      await begun();
      await succeed(here().node, "GC", { ...conf, ...valid() }, { ...attachment, netns: "" });
      ipam.recover();
      expect((await adding).ips).toHaveLength(1);
      expect(ifnamesOf(here().pod)).toEqual(["net1-0"]);
      expect(ipam.calls().map(({ command }) => command)).toEqual(["ADD", "GC"]);
    });
  });
});
