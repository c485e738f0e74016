import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeWhere } from "../live/kernel.ts";
import type { Namespace } from "../live/namespaces.ts";
import { unconnected, until } from "./concheck.ts";
import { makePods, veth } from "./pods.ts";

describeWhere(veth, "multi-nic-concheck in pods, as its manifests run it", () => {
  let stack: DisposableStack;
  let pods: Namespace[];
  beforeEach(() => {
    stack = new DisposableStack();
    pods = makePods(3, 2, stack);
  });
  afterEach(() => stack.dispose());

  describe("with two that serve", () => {
    const serve = (pod: Namespace, name: string) =>
      until(["serve"], `${name} answers on port`, { netns: pod.name, env: { NODE_NAME: name } });
    const client = (pod: Namespace, ...args: string[]) =>
      until(
        ["client", ...["10.0.0.1", "10.0.0.2"].flatMap((host) => ["--server", host]), "--json", ...args],
        "",
        {
          netns: pod.name,
          env: { NODE_NAME: "node-2" },
        },
      );

    it("a client reaches both on every NIC, with the bandwidths; and they end when they are told to", async () => {
      const [first, second, third] = pods as [Namespace, Namespace, Namespace];
      await using one = serve(first, "node-0");
      await using two = serve(second, "node-1");
      await Promise.all([one.said, two.said]);
      await using asking = client(third, "--hosts=2");
      const { code, stdout } = await asking.ended;
      const { networks, connected, total } = JSON.parse(stdout);
      expect({ code, connected, total }).toEqual({ code: 0, connected: 8, total: 8 });
      expect(networks[0].rows.map(({ from, to }: { from: string; to: string }) => `${from} ${to}`)).toEqual([
        "node-2 node-0",
        "node-2 node-1",
      ]);
      for (const { bandwidth } of networks[0].rows[0].addresses)
        expect(bandwidth).toHaveProperty("bitsPerSecond");
      one.child.kill("SIGTERM");
      await expect(one.ended).resolves.toMatchObject({ code: 0 });
      expect(first.exec("ss", "-Hltnu")).toBe("");
    });

    it("one that does not answer is not connected", async () => {
      const [first, , third] = pods as [Namespace, Namespace, Namespace];
      await using one = serve(first, "node-0");
      await one.said;
      await using asking = client(third, "--no-bandwidth", "--timeout=1");
      const { code, stdout } = await asking.ended;
      expect(code).toBe(1);
      expect(unconnected(JSON.parse(stdout))).toEqual(["node-2 > 10.0.0.2"]);
    });
  });
});
