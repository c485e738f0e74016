import { afterAll, beforeAll, expect, it } from "vitest";
import { Endpoint } from "../../concheck/endpoint.ts";
import { openNetns } from "../../lib/linux/netns.ts";
import { describeWhere } from "../live/kernel.ts";
import { makePods, veth } from "./pods.ts";

describeWhere(veth, "an endpoint asks another", () => {
  const stack = new DisposableStack();
  const [asking, asked] = ["10.0.0.1", "10.0.0.2"] as const;
  let from: Endpoint;
  let ports: { readonly tcp: number; readonly udp: number };
  beforeAll(() => {
    const [first, second] = makePods(2, 1, stack).map(({ path }, place) => {
      const netns = stack.use(openNetns(path));
      const addresses = [{ address: place === 0 ? asking : asked }];
      return stack.use(new Endpoint({ netns, addresses, port: 0, isPeer: () => true }));
    });
    const bound = second?.portsOf(asked);
    if (first === undefined || bound === undefined) throw new Error("there are two pods");
    [from, ports] = [first, bound];
  });
  afterAll(() => stack.dispose());

  it.each(["tcp", "udp"] as const)("by %s, and was kept from running until its time was up", async (by) => {
    const probe = by === "tcp" ? "probeTcp" : "probeUdp";
    const outcome = from[probe](asking, asked, ports[by], 200);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    expect(await outcome).toEqual({ ms: expect.any(Number) });
  });

  it.each([
    ["tcp", "by TCP, and nobody listens", "ECONNREFUSED"],
    ["udp", "by UDP, and nobody listens", "no answer in 0.2 s"],
  ] as const)("%s: %s", async (by, _what, failure) => {
    const probe = by === "tcp" ? "probeTcp" : "probeUdp";
    expect(await from[probe](asking, asked, 1, 200)).toEqual({ failure });
  });
});
