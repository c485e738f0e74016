import fc from "fast-check";
import { confusing } from "./arbitrary-values.ts";

/** What a runtime says of a call, and what nobody should. */
export const environment = fc.record({
  CNI_COMMAND: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom("ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION") },
    { weight: 1, arbitrary: confusing },
  ),
  CNI_CONTAINERID: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("c1", "0123456789abcdef") },
    { weight: 1, arbitrary: confusing },
  ),
  CNI_NETNS: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("/run/netns/none", "") },
    { weight: 1, arbitrary: confusing },
  ),
  CNI_IFNAME: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("net1", "eth0") },
    { weight: 1, arbitrary: confusing },
  ),
  CNI_PATH: fc.constantFrom("/nonexistent", "", "relative:/nonexistent"),
  CNI_ARGS: fc.oneof(
    fc.constantFrom(
      "",
      "IgnoreUnknown=true;K8S_POD_NAME=p",
      "IP=10.0.0.1/24,fd00::1",
      "MAC=02:00:00:00:00:01",
      ";;",
      "a=b=c",
    ),
    fc.string(),
  ),
});
