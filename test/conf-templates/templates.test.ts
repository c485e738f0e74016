import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { networkOf, parseJsonObject, versionIn } from "../../lib/cni/conf.ts";
import { ErrorCode } from "../../lib/cni/error.ts";
import type { JsonObject } from "../../lib/cni/json.ts";
import { supportedVersions } from "../../lib/cni/version.ts";
import { computeBlocks } from "../../lib/ipam/blocks.ts";
import { readNodeFile } from "../../lib/ipam/node-file.ts";
import { parsePool, poolOfHost } from "../../lib/ipam/pool-conf.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import { readDeviceClass } from "../../lib/nic/facts/class-file.ts";
import { refusalFor } from "../../plugins/infra-dpu-cni/conf.ts";
import { parseMultiNicConf } from "../../plugins/multi-nic/conf.ts";
import {
  type ConfList,
  classFile,
  dpuConfs,
  folder,
  invocationOf,
  known,
  lists,
  multusConfs,
  nadOf,
  networks,
  nodeFiles,
  pluginsOf,
  pods,
  present,
  read,
  readJson,
} from "./templates.ts";

test("every file of the folder is known to these tests, and is there", () => {
  expect(present().sort()).toEqual([...known].sort());
});

/** As stdin would be read, down to the plugin's own configuration. */
function accept(conf: JsonObject): void {
  const json = parseJsonObject(JSON.stringify(conf));
  expect(supportedVersions).toContain(versionIn(json));
  const { ipam } = parseMultiNicConf(invocationOf(json));
  if (ipam.mode === "own")
    expect(computeBlocks(poolOfHost(parsePool(json), host0, ""), [0, 1])).toHaveLength(2);
}
const host0 = { hostIndex: 0 };

describe("a configuration of multi-nic", () => {
  test.each(networks)("%s is accepted, and named as its file", (network) => {
    const conf = parseJsonObject(read(`${network}.conf`));
    expect(conf.type).toBe("multi-nic");
    expect(networkOf(conf)).toBe(network);
    accept(conf);
  });

  test.each(networks)("the NetworkAttachmentDefinition of %s has the same content and name", (network) => {
    const nad = parse(read(nadOf(network)));
    expect(nad).toMatchObject({ apiVersion: "k8s.cni.cncf.io/v1", kind: "NetworkAttachmentDefinition" });
    expect(nad.metadata.name).toBe(network);
    const conf = parseJsonObject(nad.spec.config);
    expect(conf).toEqual(readJson(`${network}.conf`));
    accept(conf);
  });

  test.each(Object.entries(lists))(
    "%s holds the network %s, and its multi-nic is accepted",
    (file, network) => {
      const list = readJson<ConfList>(file);
      expect(list.name).toBe(network);
      const own = pluginsOf(list).filter(({ type }) => type === "multi-nic");
      expect(own).toHaveLength(1);
      for (const conf of own) accept(conf);
    },
  );

  test("no two networks share addresses, so that any two can be on one node", () => {
    const confs = [
      ...networks.map((network) => readJson(`${network}.conf`)),
      ...Object.keys(lists).flatMap((file) => pluginsOf(readJson<ConfList>(file))),
    ];
    const subnets = confs.flatMap(subnetsOf);
    expect(subnets).toHaveLength(confs.length + 1);
    expect(new Set(subnets).size).toBe(subnets.length);
  });
});

/** All are /16 or /48, so equal text is the only overlap there can be; host-local and whereabouts have keys of their own. */
function subnetsOf(conf: JsonObject): string[] {
  const ipam = conf.ipam as { ranges?: { subnet: string }[][]; range?: string };
  const subnets = [conf.subnet, ipam.range, ...(ipam.ranges ?? []).flat().map(({ subnet }) => subnet)].flat();
  const given = subnets.filter((subnet) => typeof subnet === "string");
  for (const subnet of given) expect(subnet).toMatch(/\.0\.0\/16$|::\/48$/);
  return given;
}

describe("a node file", () => {
  test.each(nodeFiles)("%s is read as the node's own, for a network that is there", (file) => {
    const network = file.replace(/^networks\/(.*)\.json$/, "$1");
    expect(networks).toContain(network);
    const dir = mkdtempSync(join(tmpdir(), "mnc-templates-"));
    try {
      cpSync(join(folder, "networks"), join(dir, "networks"), { recursive: true });
      const nodeFile = readNodeFile(statePaths({ MULTI_NIC_CNI_STATE_DIR: dir }), network);
      const masters = nodeFile?.masters?.map(({ name }) => name);
      expect(masters).toEqual(readJson(`${network}.conf`).masters);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

test("the class file has the classes that networks and pods name", () => {
  const { class: named } = readJson<{ attachPolicy: { class: string } }>(
    "multi-nic-device-class.conf",
  ).attachPolicy;
  const pod = parse(read("kubernetes/pod-nic-class.yaml"));
  const asked = networksOf(pod.metadata.annotations["k8s.v1.cni.cncf.io/networks"])[0];
  for (const name of [named, asked?.["cni-args"].class ?? ""]) {
    expect(readDeviceClass(join(folder, classFile), name).ids).not.toEqual([]);
  }
});

describe("a pod", () => {
  test.each(pods)("%s asks for networks that are there, by cni-args that multi-nic takes", (file) => {
    const pod = parse(read(file));
    expect(pod).toMatchObject({ apiVersion: "v1", kind: "Pod", metadata: { namespace: "default" } });
    expect(`kubernetes/pod-${pod.metadata.name}.yaml`).toBe(file);
    const asked = networksOf(pod.metadata.annotations?.["k8s.v1.cni.cncf.io/networks"]);
    expect(asked.length > 0).toBe(pod.spec.hostNetwork !== true);
    for (const { name, "cni-args": args } of asked) {
      expect(networks).toContain(name);
      const conf = readJson(`${name}.conf`);
      const { choice } = parseMultiNicConf(invocationOf({ ...conf, args: { cni: args } }));
      expect(choice).toMatchObject({ nics: args.nics, masters: args.masters ?? [] });
      for (const master of choice.masters) expect(conf.masters).toContain(master);
    }
  });
});

interface NetworkChoice {
  readonly name: string;
  readonly "cni-args": { readonly nics?: number; readonly masters?: string[]; readonly class?: string };
}

/** Multus takes a JSON list, or names parted by commas. */
function networksOf(annotation: string | undefined): NetworkChoice[] {
  if (annotation === undefined) return [];
  if (annotation.trim().startsWith("[")) return JSON.parse(annotation);
  return annotation.split(",").map((name) => ({ name: name.trim(), "cni-args": {} }));
}

describe("on a DPU", () => {
  test.each(dpuConfs)("%s has an ADD refused with the defaults of infra-dpu-cni", (file) => {
    const conf = parseJsonObject(read(file));
    expect(conf).toEqual({ cniVersion: "0.4.0", name: "infra-dpu-cni", type: "infra-dpu-cni" });
    const { code, message, details } = refusalFor(invocationOf(conf));
    expect(code).toBe(ErrorCode.noPodNetwork);
    expect(`${message}; ${details}`).toContain("hostNetwork: true");
    expect(details).toContain("pod default/shell asks for network infra-dpu-cni");
  });

  test.each(multusConfs)("%s has one delegate, and waits for a file named after it", (file) => {
    const { delegates, readinessindicatorfile } = readJson<{
      delegates: { name: string; type: string }[];
      readinessindicatorfile: string;
    }>(file);
    expect(delegates).toHaveLength(1);
    expect(readinessindicatorfile).toBe(`/var/run/multus/cni/net.d/10-${delegates[0]?.name}.conf`);
  });

  test("00-multus-after.conf differs from the one before in the delegate and its file alone", () => {
    const [after, before] = multusConfs.map((file) => readJson(file));
    const delegates = [readJson("10-infra-dpu-cni.conf")];
    const readinessindicatorfile = "/var/run/multus/cni/net.d/10-infra-dpu-cni.conf";
    expect(after).toEqual({ ...before, delegates, readinessindicatorfile });
  });
});

test.each(known)("README.md says what %s is for", (file) => {
  expect(read("README.md")).toContain(file === "README.md" ? "conf-templates" : `\`${file}\``);
});
