import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeWhere, linkKind } from "../live/kernel.ts";
import { storeOf, tamperStore } from "../live/node.ts";
import { add } from "../live/plugin.ts";
import { at, atOther, here, network, useScene } from "../live/scene.ts";
import { checked, concheck, unconnected } from "./concheck.ts";

const args = () => ["--state-dir", here().node.stateDir, "--no-bandwidth", "--timeout=1"];

describeWhere([linkKind("macvlan"), linkKind("veth")], "the pods that a node has attached", () => {
  useScene();

  it("are found by the store, which is left as it is", async () => {
    const { node } = here();
    await add(node, network(), at());
    await add(node, network(), atOther());
    const before = storeOf(node);
    expect(unconnected(checked(args()))).toEqual([]);
    expect(storeOf(node)).toEqual(before);
  });

  it("are taken from the folder that the environment names, as by the plugins", async () => {
    const { node } = here();
    await add(node, network(), at());
    await add(node, network(), atOther());
    expect(checked(["--no-bandwidth"], node.env)).toMatchObject({ connected: 4, total: 4 });
  });

  it("are those of one network, where it is named", async () => {
    const { node } = here();
    await add(node, network(), at());
    await add(node, network(), atOther());
    const { status, stderr } = concheck([...args(), "--network=other"]);
    expect(status).toBe(64);
    expect(stderr).toContain('no pod is attached to network "other"');
  });

  it("count as not connected without addresses", async () => {
    const { node } = here();
    await add(node, network(), at());
    await add(node, network({ ipam: {} }), atOther());
    const report = checked(args());
    expect(report.exitCode).toBe(1);
    expect(unconnected(report)).toContain("c1 > c2");
  });

  it("are too few where there is one, or none that is done", async () => {
    const { node } = here();
    await add(node, network(), at());
    expect(concheck(args())).toMatchObject({ status: 64, stdout: "" });
    await add(node, network(), atOther());
    tamperStore(node, "UPDATE attachments SET state = 'adding'");
    expect(concheck(args()).stderr).toContain("no pod is attached");
  });

  it("are told apart where two have one container id", async () => {
    const { node } = here();
    await add(node, network(), at());
    await add(node, network(), { ...atOther(), containerId: "c1", ifname: "net2" });
    const [names] = checked(args()).networks.map(({ pods }) => pods.map(({ name }) => name));
    expect(names).toEqual([`c1@${here().pod.name}`, `c1@${here().other.name}`]);
  });

  it("cannot be checked with a damaged store, and it says what to do", () => {
    const { stateDir } = here().node;
    mkdirSync(stateDir, { recursive: true });
    writeFileSync(join(stateDir, "state.db"), "this is no database, and long enough to be looked at");
    const { status, stderr } = concheck(args());
    expect(status).toBe(70);
    expect(stderr).toContain(join(stateDir, "state.db"));
  });

  it("are none where there is no store, and none is made", () => {
    expect(concheck(args()).status).toBe(64);
    expect(existsSync(here().node.stateDir)).toBe(false);
  });
});
