import { error, type Finding } from "../../finding.ts";
import { type DevicePool, devicePools, parseRange, pluginConfigs, rangesOf } from "../device-pools.ts";
import { listAt, placeOf, type Rule, textAt } from "../manifest.ts";

const dies = "the device plugin stops with an error, and the node offers none of its resources";

/** Whether the SR-IOV device plugin can read its configuration, and no VF is in two pools. */
export const sriovdpConfig: Rule = {
  id: "sriovdp-config",
  title: "configuration of the SR-IOV device plugin",
  run(manifests) {
    const unreadable = pluginConfigs(manifests).flatMap(({ manifest, key, config }) => {
      const where = `${placeOf(manifest)} data.${key}`;
      if (config === undefined)
        return [error(where, "is not JSON", dies, "put it through python3 -m json.tool")];
      if (listAt(config, "resourceList").length > 0) return [];
      return [
        error(
          where,
          "has no resourceList",
          dies,
          'write {"resourceList": [{"resourceName": …, "selectors": {…}}]}',
        ),
      ];
    });
    const pools = devicePools(manifests);
    return [...unreadable, ...pools.flatMap(faultsOf), ...overlaps(pools)];
  },
};

const placeIn = ({ manifest, key, resource }: DevicePool) => `${placeOf(manifest)} data.${key} ${resource}`;

function faultsOf(pool: DevicePool): Finding[] {
  const name = textAt(pool.entry, "resourceName") ?? "";
  const found: Finding[] = [];
  if (!/^[a-zA-Z0-9_]+$/.test(name))
    found.push(
      error(
        placeIn(pool),
        `resourceName "${name}" has other characters than a-z, A-Z, 0-9 and _`,
        dies,
        "rename it, in the NetworkAttachmentDefinition and the pods as well",
      ),
    );
  for (const range of rangesOf(pool).filter((text) => parseRange(text) === undefined))
    found.push(
      error(
        placeIn(pool),
        `"${range}" is no range of VFs`,
        dies,
        'write it as in "enp2s0f0np0#1-2" or "enp2s0f0np0#0,3-5"',
      ),
    );
  return found;
}

/** A VF goes to the first pool that takes it; the other one is smaller than its range says. */
function overlaps(pools: readonly DevicePool[]): Finding[] {
  return pools.flatMap((pool, place) =>
    pools.slice(0, place).flatMap((earlier) => {
      const shared = rangesOf(pool).find((text) => rangesOf(earlier).some((other) => meet(text, other)));
      if (shared === undefined) return [];
      const what = `${shared} meets a range of ${earlier.resource}`;
      return [
        error(
          placeIn(pool),
          what,
          "a VF is in one pool only, and which one is not what you wrote",
          "part the ranges",
        ),
      ];
    }),
  );
}

function meet(text: string, other: string): boolean {
  const [a, b] = [parseRange(text), parseRange(other)];
  if (a === undefined || b === undefined || a.pf !== b.pf) return false;
  return [...(a.vfs ?? [])].some((vf) => b.vfs?.has(vf) ?? true) || a.vfs === undefined;
}
