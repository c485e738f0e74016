import { entriesAt, listAt, type Manifest, ofKind, placeOf, podsOf, textAt } from "./manifest.ts";

/** A VF that OVN-Kubernetes has for its management port. */
export interface ManagementVf {
  readonly where: string;
  readonly name: string;
  /** The physical function as far as the name says it, such as enp2s0f0; undefined for a representor */
  readonly pf: string | undefined;
  readonly index: number;
}

/** The management ports' VFs that manifests name: on the host OVNKUBE_NODE_MGMT_PORT_NETDEV, on the DPU MGMT_IFNAME. */
export function managementVfs(manifests: readonly Manifest[]): readonly ManagementVf[] {
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

/** Whether a link's name is that of a VF's physical function. "enp2s0f0np0" is that of "enp2s0f0v0": the port's name comes behind. */
export function isNamed({ pf }: ManagementVf, name: string): boolean {
  return pf === undefined || name.replace(/np\d+$/, "") === pf.replace(/np\d+$/, "");
}

/** Whether a PCI address is that of a VF's physical function; undefined where its name does not say. */
export function isAt({ pf }: ManagementVf, address: string): boolean | undefined {
  if (pf === undefined) return true;
  const own = addressOf(pf);
  return own === undefined ? undefined : own === address.toLowerCase();
}

/** enp2s0f0 is 0000:02:00.0: the name has bus, slot and function in decimal (systemd.net-naming-scheme(7), ID_NET_NAME_PATH). */
function addressOf(name: string): string | undefined {
  const found = /^(?:en|ib)(?:P(\d+))?p(\d+)s(\d+)(?:f(\d+))?(?:n\w+|d\d+)?$/.exec(name);
  if (found === null) return undefined;
  const [domain, bus, slot, pciFunction] = found.slice(1).map((part) => Number(part ?? 0).toString(16));
  return `${domain?.padStart(4, "0")}:${bus?.padStart(2, "0")}:${slot?.padStart(2, "0")}.${pciFunction}`;
}
