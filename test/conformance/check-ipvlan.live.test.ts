import { expect, test } from "vitest";
import { conf } from "../live/conf.ts";
import { describeWhere, linkKind } from "../live/kernel.ts";
import { makeNamespace } from "../live/namespaces.ts";
import { makeNode } from "../live/node.ts";
import { add, refused, succeed, withPrevResult } from "../live/plugin.ts";

describeWhere(linkKind("ipvlan"), "of ipvlan, CHECK finds", () => {
  const rows: readonly (readonly [string, string, RegExp])[] = [
    // All ipvlans of a master have one mode: to change that of one changes this one's.
    [
      "another mode",
      "link set net1-0 type ipvlan mode l3",
      /net1-0 is ipvlan l3 bridge, not ipvlan l2 bridge/,
    ],
    [
      "another flag",
      "link set net1-0 type ipvlan mode l2 private",
      /net1-0 is ipvlan l2 private, not ipvlan l2 bridge/,
    ],
    ["a link that is gone", "link del net1-0", /net1-0 is gone/],
  ];
  test.each(rows)("%s", async (_, change, found) => {
    using node = makeNode(1);
    using pod = makeNamespace("pod");
    const asked = conf({ plugin: { type: "ipvlan", mode: "l2" }, masters: ["eth1"] });
    const at = { netns: pod.path };
    const checked = withPrevResult(asked, await add(node, asked, at));
    await succeed(node, "CHECK", checked, at);
    pod.ip(change);
    expect(await refused(node, "CHECK", checked, at)).toMatchObject({
      code: 106,
      msg: expect.stringMatching(found),
    });
    await succeed(node, "DEL", asked, at);
  });
});
