import { expect, test } from "vitest";
import { verdict } from "../../../scripts/quickstart/report.ts";
import { renderText } from "../../../scripts/quickstart/text.ts";
import { goodReport } from "./report.ts";

const lost = { pod: "pod-b", from: "192.168.1.1", to: "192.168.0.1", ms: undefined };

test.each([
  ["everything went well", {}, true, "all 2 pings answered, nothing left behind"],
  [
    "a ping was lost",
    { pings: [...goodReport.pings, lost] },
    false,
    "1 of 3 pings not answered (192.168.1.1 to 192.168.0.1), nothing left behind",
  ],
  [
    "something is left",
    { leftBehind: ["pod-a: link net1-0"] },
    false,
    "all 2 pings answered, left behind: pod-a: link net1-0",
  ],
  ["nothing was pinged", { pings: [] }, false, "all 0 pings answered, nothing left behind"],
])("the verdict where %s", (_, difference, ok, text) => {
  expect(verdict({ ...goodReport, ...difference })).toEqual({ ok, text });
});

const lines = (difference = {}) => renderText({ ...goodReport, ...difference }).split("\n");

test("the picture joins each NIC to its like by its switch, and each line of it is as long as the next", () => {
  const picture = lines().slice(3, 13);
  expect(picture.filter((line) => line.includes("switch"))).toEqual([
    expect.stringMatching(
      /^ {2}\| {3}eth1 {4}10\.1\.0\.1\/24 +\|--- switch1 ---\| {3}eth1 {4}10\.1\.0\.2\/24 +\|$/,
    ),
    expect.stringMatching(
      /^ {2}\| {3}eth2 {4}10\.2\.0\.1\/24 +\|--- switch2 ---\| {3}eth2 {4}10\.2\.0\.2\/24 +\|$/,
    ),
  ]);
  expect(new Set(picture.slice(1, -1).map((line) => line.length)).size).toBe(1);
});

test("the table has a row for each interface of a pod, with its pings", () => {
  const table = lines().filter((line) => /^(HOST|host-[ab] {2}pod)/.test(line));
  expect(table.map((line) => line.split(/ {2,}/))).toEqual([
    ["HOST", "POD", "INTERFACE", "MASTER", "ADDRESS", "PING net1-0", "PING net1-1"],
    ["host-a", "pod-a", "net1-0", "eth1", "192.168.0.1/18", "0.10 ms", "0.20 ms"],
    ["host-a", "pod-a", "net1-1", "eth2", "192.168.64.1/18"],
    ["host-b", "pod-b", "net1-0", "eth1", "192.168.1.1/18"],
    ["host-b", "pod-b", "net1-1", "eth2", "192.168.65.1/18"],
  ]);
});

test("a lost ping shows in the table", () => {
  expect(lines({ pings: [lost] }).some((line) => line.endsWith("192.168.1.1/18   no answer"))).toBe(true);
});

test("where macvlan stands in for ipvlan, it says so and how to see the other", () => {
  const text = lines({ ipvlanRefusal: "Unknown device type", routes: [] }).join("\n");
  expect(text).toContain("no ipvlan links here (Unknown device type), so macvlan stands in");
  expect(text).toContain("sudo ./scripts/quickstart.sh --real-ipvlan");
  expect(text).toContain("Host routes    none");
});

test("the times of ADD and DEL, the routes of the hosts and the verdict are told", () => {
  const text = lines();
  expect(text).toContain("host-a: ADD took 41 ms, DEL 40 ms");
  expect(text).toContain("Host routes    on host-a: 192.168.1.0/24 via 10.1.0.2 dev eth1");
  expect(text.at(-2)).toBe("all 2 pings answered, nothing left behind");
});

test("no line is wider than a terminal of 100 columns", () => {
  expect(lines().filter((line) => line.length > 100)).toEqual([]);
});
