import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { describeWhere, linkKind } from "../live/kernel.ts";
import { bin } from "../live/plugin.ts";

const project = fileURLToPath(new URL("../../", import.meta.url));

/** The shell blocks of the page: who still has links, and taking the database away. */
const blocks = [...readFileSync(`${project}docs/recovery.md`, "utf8").matchAll(/^ *```sh\n(.*?)^ *```$/gms)];
const [listed = "", taken = ""] = blocks.map(([, body]) => body);

const conf = JSON.stringify({
  cniVersion: "1.0.0",
  name: "n1",
  type: "multi-nic",
  plugin: { type: "macvlan" },
  masters: ["eth1", "eth2"],
  sourceRouting: true,
  subnet: "172.30.0.0/16",
  ipam: { type: "multi-nic-ipam", interfaceBlock: 2 },
});

/** A host with two NICs, and three pods of which two are attached. `call` prints the addresses, or the message. */
const before = `
  ip netns add host
  for nic in 1 2; do
    ip -n host link add eth$nic type veth peer name switch$nic
    ip -n host link set eth$nic up
    ip -n host link set switch$nic up
    ip -n host address add 10.$nic.0.1/24 dev eth$nic
  done
  call() {
    env CNI_COMMAND=$1 CNI_CONTAINERID=$2 CNI_NETNS=/run/netns/$2 CNI_IFNAME=net1 CNI_PATH=${bin} \
      MULTI_NIC_CNI_LOG_FILE=off ip netns exec host ${bin}/multi-nic <<<'${conf}' |
      grep -oE '"address":"[^"]*"|"msg":.*' || true
  }
  for pod in pod1 pod2 pod3; do ip netns add $pod; done
  call ADD pod1
  call ADD pod2
`;

function printed(script: string): string[] {
  const run = spawnSync(
    `${project}scripts/quickstart/isolate.sh`,
    ["bash", "-euo", "pipefail", "-c", script],
    {
      encoding: "utf8",
    },
  );
  expect(run.status, run.stdout + run.stderr).toBe(0);
  return run.stdout.trimEnd().split("\n");
}

const addresses = (last: number) => [`"address":"172.30.0.${last}/18"`, `"address":"172.30.64.${last}/18"`];

describeWhere([linkKind("macvlan"), linkKind("veth")], "docs/recovery.md", () => {
  test.each([
    ["overwritten", "head -c 50000 /dev/urandom >/run/multi-nic-cni/state.db", "is damaged"],
    ["emptied", ": >/run/multi-nic-cni/state.db", "is not one of ours"],
  ])("brings back a node whose database was %s, and no address is given twice", (_, spoil, message) => {
    const lines = printed(`${before}
      ${spoil}
      ls /run/multi-nic-cni/state.db* >/run/before
      echo refused; call ADD pod3
      echo both; ${listed}
      call DEL pod1
      echo one; ${listed}
      call DEL pod2; call DEL pod2
      echo none; ${listed}
      ${taken}
      ls /run/multi-nic-cni
      ls "$kept" | grep -v -e -wal -e -shm
      rm -r "$kept"
      echo again; call ADD pod3; call ADD pod1
      echo listed; ${listed}
    `);
    const refusal = lines.indexOf("refused") + 1;
    expect(lines[refusal]).toContain(message);
    expect(lines.toSpliced(refusal, 1)).toEqual([
      ...[...addresses(1), ...addresses(2)],
      "refused",
      ...["both", "/run/netns/pod1: net1-0@if3: net1-1@if5:", "/run/netns/pod2: net1-0@if3: net1-1@if5:"],
      ...["one", "/run/netns/pod2: net1-0@if3: net1-1@if5:"],
      "none",
      "locks",
      "state.db",
      ...["again", ...addresses(1), ...addresses(2)],
      ...["listed", "/run/netns/pod1: net1-0@if3: net1-1@if5:", "/run/netns/pod3: net1-0@if3: net1-1@if5:"],
    ]);
  });

  test("a database that is deleted too early forgets the pods that run, as the page says", () => {
    const lines = printed(`${before}
      rm /run/multi-nic-cni/state.db
      call ADD pod3
    `);
    expect(lines).toEqual([...addresses(1), ...addresses(2), ...addresses(1)]);
  });
});

test("docs/recovery.md has the blocks that are run here", () => {
  expect(blocks).toHaveLength(2);
  expect(listed).toContain("ip -n");
  expect(taken).toContain("mv /run/multi-nic-cni/state.db*");
});
