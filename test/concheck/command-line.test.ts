import { describe, expect, test } from "vitest";
import { parseCommand } from "../../concheck/command-line.ts";
import { parseNamedPod } from "../../concheck/named-pods.ts";
import { formatCidr } from "../../lib/net/address.ts";

const parse = (words: string, env = {}) => parseCommand(words.split(" ").filter(Boolean), env);

describe("arguments", () => {
  test("without any, the node's own state folder is checked, within limits", () => {
    expect(parse("")).toEqual({
      verb: "check",
      network: undefined,
      pods: [],
      stateDirs: ["/run/multi-nic-cni"],
      timeout: 2000,
      parallel: 64,
      maxTime: 600_000,
      bandwidth: { seconds: 1, parallel: 1 },
      json: false,
      quiet: false,
    });
  });

  test.each([
    ["--state-dir /a --state-dir /b", { stateDirs: ["/a", "/b"] }],
    ["--no-bandwidth", { bandwidth: undefined }],
    ["--seconds 5 --bandwidth-parallel 2", { bandwidth: { seconds: 5, parallel: 2 } }],
    [
      "--timeout 1 --parallel 8 --max-time 30 --json",
      { timeout: 1000, parallel: 8, maxTime: 30_000, json: true },
    ],
    ["--help serve", { verb: "help" }],
    ["--version", { verb: "version" }],
    ["serve", { verb: "serve", port: 11_917 }],
    ["client --server a --server b --hosts 4", { verb: "client", servers: ["a", "b"], hosts: 4 }],
    ["manifests --network default/n1 --hosts 3", { verb: "manifests", network: "default/n1", hosts: 3 }],
  ])("%s", (words, expected) => {
    expect(parse(words)).toMatchObject(expected);
  });

  test("the environment names the state folder, as for the plugins", () => {
    expect(parse("", { MULTI_NIC_CNI_STATE_DIR: "/s" })).toMatchObject({ stateDirs: ["/s"] });
  });
});

test.each([
  ["toString", '"toString" is not serve'],
  ["serve twice", '"twice" after serve means nothing'],
  ["--nothing", "--nothing"],
  ["--timeout 0", "1 to 60"],
  ["--timeout 1e3", "1 to 60"],
  ["--parallel 99999999999999999999", "1 to 1024"],
  ["--parallel -1", "--parallel"],
  ["--netns a", "NAME=PATH"],
  ["--netns =/run/netns/a", "NAME=PATH"],
  ["--netns a=", "NAME=PATH"],
  ["--netns a=/p,", "NAME=PATH"],
  ["--netns a=/p,10.0.0.256", '"10.0.0.256" is not an IP address'],
  ["--netns a=/p,10.0.0.1/33", "0..32"],
  ["--netns a=/p", "one pod has none to reach"],
  ["--netns a=/p --netns a=/q", "two pods are called a"],
  ["--netns a=/p --netns b=/q --state-dir /s", "do not go together"],
  ["--state-dir=", "is no folder"],
  ["serve --json", "--json does not go with serve"],
  ["--hosts 3", "--hosts does not go with check"],
  ["client", "--server HOST"],
  ["manifests --hosts 3", "--network NAME"],
  ["manifests --network n", "--hosts N"],
  ["manifests --network a/b/c --hosts 3", "NetworkAttachmentDefinition"],
  ["manifests --network UPPER --hosts 3", "NetworkAttachmentDefinition"],
  ["manifests --network n --hosts 3 --namespace a.b", "name of a namespace"],
  ["manifests --network n --hosts 3 --image=-x", "name of an image"],
])("%s is refused", (words, message) => {
  expect(() => parse(words)).toThrow(message);
});

test("the verb check may be named", () => {
  expect(parse("check")).toMatchObject({ verb: "check" });
});

test("a pod is named by its namespace, with addresses of both families", () => {
  const { addresses, ...pod } = parseNamedPod("web=/run/netns/web,10.0.0.1,fd00::1/64");
  expect(pod).toEqual({ name: "web", path: "/run/netns/web" });
  expect(addresses.map(formatCidr)).toEqual(["10.0.0.1/32", "fd00::1/64"]);
});
