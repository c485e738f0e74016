/** A pod as its runtime names it in CNI_ARGS; "" for what it does not say. */
export interface PodNames {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

/** A device that kubelet gave to a pod. */
export interface PodDevice {
  /** "nvidia.com/gpu" */
  readonly resource: string;
  readonly id: string;
  /** Absent where the device plugin names none, or several. */
  readonly numaNode?: number;
}

/** Each device once: kubelet tells of one under each of its NUMA nodes, and under each container that has it in turn. */
export function uniqueDevices(told: readonly PodDevice[]): PodDevice[] {
  const found = new Map<string, { readonly resource: string; readonly id: string; nodes: Set<number> }>();
  for (const { resource, id, numaNode } of told) {
    const key = JSON.stringify([resource, id]);
    const { nodes } = found.get(key) ?? { nodes: new Set<number>() };
    if (numaNode !== undefined) nodes.add(numaNode);
    found.set(key, { resource, id, nodes });
  }
  return [...found.values()].map(({ resource, id, nodes: [numaNode, ...others] }) => ({
    resource,
    id,
    ...(numaNode === undefined || others.length > 0 ? {} : { numaNode }),
  }));
}
