import { error, type Finding, warning } from "../../finding.ts";
import { type DevicePool, devicePools, parseRange, rangesOf } from "../device-pools.ts";
import { entriesAt, listAt, type Manifest, ofKind, placeOf, podsOf, type Rule, textAt } from "../manifest.ts";

/** A VF that OVN-Kubernetes has for its management port. */
interface ManagementVf {
  readonly where: string;
  readonly name: string;
  /** The physical function as far as the name says it, such as enp2s0f0; undefined for a representor */
  readonly pf: string | undefined;
  readonly index: number;
}

/** Whether no pool has the VF that is OVN-Kubernetes' management port. */
export const managementVf: Rule = {
  id: "management-vf",
  title: "the management port's VF is in no pool",
  run(manifests) {
    const management = managementVfs(manifests);
    return devicePools(manifests).flatMap((pool) =>
      rangesOf(pool).flatMap((range) => judge(pool, range, management)),
    );
  },
};

function managementVfs(manifests: readonly Manifest[]): readonly ManagementVf[] {
  const inPods = manifests.flatMap((manifest) =>
    listAt(podsOf(manifest)?.spec, "containers")
      .flatMap((container) => listAt(container, "env"))
      .filter((variable) => textAt(variable, "name") === "OVNKUBE_NODE_MGMT_PORT_NETDEV")
      .map((variable) => [placeOf(manifest), textAt(variable, "value") ?? ""] as const),
  );
  const inOverrides = ofKind(manifests, "ConfigMap").flatMap((manifest) =>
    entriesAt(manifest.content, "data").flatMap(([, text]) => {
      const name = /^MGMT_IFNAME=(.*)$/m.exec(String(text))?.[1]?.trim();
      return name === undefined ? [] : [[placeOf(manifest), name] as const];
    }),
  );
  return [...inPods, ...inOverrides].flatMap(([where, name]) => vfOf(where, name) ?? []);
}

/** enp2s0f0v0, as systemd names the link of a VF, or pf0vf0, as representors are named. */
function vfOf(where: string, name: string): ManagementVf | undefined {
  const representor = /^(?:c\d+)?pf\d+vf(\d+)$/.exec(name);
  if (representor !== null) return { where, name, pf: undefined, index: Number(representor[1]) };
  const [, pf, index] = /^(.+?)v(\d+)$/.exec(name) ?? [];
  return pf === undefined ? undefined : { where, name, pf, index: Number(index) };
}

function judge(pool: DevicePool, text: string, management: readonly ManagementVf[]): Finding[] {
  const range = parseRange(text);
  if (range === undefined) return []; // sriovdp-config says so
  const where = `${placeOf(pool.manifest)} data.${pool.key} ${pool.resource}`;
  const has = (index: number) => range.vfs?.has(index) ?? true;
  // "enp2s0f0np0" is the physical function of "enp2s0f0v0": the port's name comes behind.
  const isOf = ({ pf }: ManagementVf) =>
    pf === undefined || range.pf.replace(/np\d+$/, "") === pf.replace(/np\d+$/, "");
  const why = "a pod may be given the VF that connects the node itself, and the node loses OVN-Kubernetes";
  const taken = management.filter((vf) => has(vf.index) && isOf(vf));
  if (taken.length > 0)
    return taken.map((vf) =>
      error(
        where,
        `"${text}" takes VF ${vf.index}, the management port ${vf.name} of ${vf.where}`,
        why,
        `leave it out, as in "${range.pf}#${vf.index + 1}-N"`,
      ),
    );
  if (management.length > 0 || !has(0)) return [];
  return [
    warning(
      where,
      `"${text}" takes VF 0, which is the management port in most set-ups`,
      why,
      `leave it out, as in "${range.pf}#1-N", or give the manifest that names the management port along with these`,
    ),
  ];
}
