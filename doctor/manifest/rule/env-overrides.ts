import { error, type Finding, note, warning } from "../../finding.ts";
import { entriesAt, type Manifest, ofKind, placeOf, type Rule } from "../manifest.ts";

const mapName = "env-overrides";
const known = new Set(["TENANT_K8S_NODE", "MGMT_IFNAME"]);

/** Whether the ConfigMap env-overrides says for each DPU node which host it is in. */
export const envOverrides: Rule = {
  id: "env-overrides",
  title: "ConfigMap env-overrides",
  run(manifests) {
    const maps = ofKind(manifests, "ConfigMap").filter(({ name }) => name === mapName);
    const [config] = ofKind(manifests, "DpuClusterConfig");
    return [...maps.flatMap(judge), ...misplaced(maps, config), ...twice(maps)];
  },
};

function judge(map: Manifest): Finding[] {
  const nodes = entriesAt(map.content, "data");
  if (nodes.length === 0)
    return [
      error(
        placeOf(map),
        "names no DPU node",
        "ovnkube-node starts on no DPU",
        "data: { <DPU node>: |- TENANT_K8S_NODE=<host> }",
      ),
    ];
  return nodes.flatMap(([node, text]) => ofNode(`${placeOf(map)} data.${node}`, String(text)));
}

function ofNode(where: string, text: string): Finding[] {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const unread = lines.filter((line) => !/^[A-Za-z_]\w*=/.test(line));
  const variables = new Map(
    lines.map((line) => [line.split("=")[0] ?? "", line.slice(line.indexOf("=") + 1)]),
  );
  const found = unread.map((line) =>
    error(
      where,
      `"${line}" is no KEY=VALUE`,
      "the whole file is refused when ovnkube-node starts",
      "write KEY=VALUE, one a line, without blanks or export",
    ),
  );
  if (!variables.get("TENANT_K8S_NODE"))
    found.push(
      error(
        where,
        "has no TENANT_K8S_NODE",
        "ovnkube-node does not know whose pods it connects",
        "TENANT_K8S_NODE=<node name of the host the DPU is in>",
      ),
    );
  if (!variables.has("MGMT_IFNAME"))
    found.push(
      warning(
        where,
        "has no MGMT_IFNAME",
        "ovn-k8s-mp0 is not made, and the host reaches no pod",
        "MGMT_IFNAME=<representor of the management VF, such as pf0vf0>",
      ),
    );
  else if (/^eth\d+$/.test(variables.get("MGMT_IFNAME") ?? ""))
    found.push(
      note(
        where,
        `MGMT_IFNAME=${variables.get("MGMT_IFNAME")} is a name that the kernel gives`,
        "it may be another link after a reboot; a representor's own name, such as pf0vf0, lasts",
        "MGMT_IFNAME=pf0vf0",
      ),
    );
  const others = [...variables.keys()].filter((key) => !known.has(key) && /^\w+$/.test(key));
  if (others.length > 0)
    found.push(note(where, `sets ${others.join(", ")} too`, "these override what the operator sets"));
  return found;
}

function misplaced(maps: readonly Manifest[], config: Manifest | undefined): Finding[] {
  if (config === undefined) return [];
  return maps
    .filter(({ namespace }) => namespace !== config.namespace)
    .map((map) =>
      warning(
        placeOf(map),
        `is in namespace "${map.namespace}", and the DpuClusterConfig in "${config.namespace}"`,
        "ovnkube-node reads it from its own namespace",
        `metadata.namespace: ${config.namespace || "default"}`,
      ),
    );
}

/** Two DPUs cannot serve one host. */
function twice(maps: readonly Manifest[]): Finding[] {
  const hosts = maps.flatMap((map) =>
    entriesAt(map.content, "data").flatMap(([node, text]) => {
      const host = /^\s*TENANT_K8S_NODE=(\S+)/m.exec(String(text))?.[1];
      return host === undefined ? [] : [{ map, node, host }];
    }),
  );
  return hosts.flatMap(({ map, node, host }, place) => {
    const first = hosts.slice(0, place).find((other) => other.host === host);
    if (first === undefined) return [];
    return [
      error(
        `${placeOf(map)} data.${node}`,
        `TENANT_K8S_NODE=${host} is what ${first.node} has`,
        "two DPUs then answer for the pods of one host",
        "give each DPU the host that it is in",
      ),
    ];
  });
}
