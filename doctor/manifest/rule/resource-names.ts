import { error, type Finding, warning } from "../../finding.ts";
import { type DevicePool, defaultPrefix, devicePools } from "../device-pools.ts";
import { entriesAt, listAt, type Manifest, ofKind, placeOf, podsOf, type Rule, textAt } from "../manifest.ts";
import { resourceAnnotation } from "./nad-config.ts";
import { wishesOf } from "./pod-networks.ts";

/** Whether device plugin, NetworkAttachmentDefinition and pod call a pool by one name. */
export const resourceNames: Rule = {
  id: "resource-names",
  title: "one resource name in device plugin, network and pod",
  run(manifests) {
    const pools = devicePools(manifests);
    const nads = ofKind(manifests, "NetworkAttachmentDefinition");
    return [
      ...nads.flatMap((nad) => againstPools(nad, pools)),
      ...manifests.flatMap((manifest) => requestsAgainst(manifest, nads, pools)),
    ];
  },
};

const resourceOf = (nad: Manifest) => textAt(nad.content, "metadata", "annotations", resourceAnnotation);

function againstPools(nad: Manifest, pools: readonly DevicePool[]): Finding[] {
  const wanted = resourceOf(nad);
  if (wanted === undefined || pools.length === 0 || pools.some(({ resource }) => resource === wanted))
    return [];
  const where = `${placeOf(nad)} ${resourceAnnotation}`;
  const [prefix = "", name = ""] = wanted.split("/");
  const same = pools.find(({ resource }) => resource.endsWith(`/${name}`));
  if (same === undefined)
    return [
      error(
        where,
        `no pool of the device plugin is called ${wanted} (there are: ${names(pools)})`,
        "pods of this network stay Pending, or get no device",
        "give both the same name",
      ),
    ];
  const why = same.hasPrefix
    ? "pods that request one name get no device of the other"
    : `the device plugin says ${defaultPrefix} where no prefix is set, so the node offers ${same.resource}, and pods that request ${wanted} stay Pending`;
  return [
    error(
      where,
      `is ${wanted}, and the device plugin's pool is ${same.resource}`,
      why,
      `set "resourcePrefix": "${prefix}" beside its resourceName in ${placeOf(same.manifest)}, or --resource-prefix=${prefix}`,
    ),
  ];
}

const names = (pools: readonly DevicePool[]) => pools.map(({ resource }) => resource).join(", ");

function requestsAgainst(
  manifest: Manifest,
  nads: readonly Manifest[],
  pools: readonly DevicePool[],
): Finding[] {
  const containers = listAt(podsOf(manifest)?.spec, "containers");
  const limits = containers.flatMap((each) => entriesAt(each, "resources", "limits"));
  const requests = containers.flatMap((each) => entriesAt(each, "resources", "requests"));
  const asked = new Set([...limits, ...requests].map(([name]) => name).filter((name) => name.includes("/")));
  return [
    ...ofWholePod(manifest),
    ...unequal(manifest, requests, limits),
    ...wantedDevices(manifest, nads).flatMap((wanted) => without(manifest, wanted, asked)),
    ...[...asked].flatMap((name) => unknownResource(manifest, name, nads, pools)),
  ];
}

/** Kubernetes' PodSpec.resources takes cpu, memory and huge pages: a device there is a container's, not indented enough. */
function ofWholePod(manifest: Manifest): Finding[] {
  const spec = podsOf(manifest)?.spec;
  const both = [...entriesAt(spec, "resources", "limits"), ...entriesAt(spec, "resources", "requests")];
  const devices = [...new Set(both.map(([name]) => name).filter((name) => name.includes("/")))];
  return devices.map((name) =>
    error(
      `${placeOf(manifest)} spec.resources`,
      `${name} is below spec.resources, which is the whole pod's`,
      "the API server refuses it, or the pod gets no device",
      "indent resources: below the container that needs the device",
    ),
  );
}

type Amounts = readonly (readonly [string, unknown])[];

/** Kubernetes: requests of an extended resource must equal its limits. */
function unequal(manifest: Manifest, requests: Amounts, limits: Amounts): Finding[] {
  const limited = new Map(limits.map(([name, amount]) => [name, String(amount)]));
  return requests
    .filter(([name, amount]) => name.includes("/") && limited.get(name) !== String(amount))
    .map(([name, amount]) =>
      error(
        `${placeOf(manifest)} resources`,
        `requests ${name}: ${amount}, limits ${limited.get(name) ?? "none"}`,
        "the API server refuses a pod where they differ for a device",
        `set limits to ${amount} as well`,
      ),
    );
}

/** The resource names of the networks that a pod asks for. */
function wantedDevices(manifest: Manifest, nads: readonly Manifest[]): readonly string[] {
  const wished = wishesOf(manifest).flatMap(({ name }) => nads.filter((nad) => nad.name === name));
  return [...new Set(wished.flatMap((nad) => resourceOf(nad) ?? []))];
}

function without(manifest: Manifest, wanted: string, asked: ReadonlySet<string>): Finding[] {
  if (asked.has(wanted)) return [];
  return [
    error(
      `${placeOf(manifest)} resources`,
      `its network needs ${wanted}, and no container requests it`,
      "Multus hands the plugin no device, and it refuses the pod",
      `resources.limits and requests: { ${wanted}: '1' } in one container`,
    ),
  ];
}

function unknownResource(
  manifest: Manifest,
  name: string,
  nads: readonly Manifest[],
  pools: readonly DevicePool[],
): Finding[] {
  const known = [...pools.map(({ resource }) => resource), ...nads.flatMap((nad) => resourceOf(nad) ?? [])];
  if (known.includes(name)) return [];
  const where = `${placeOf(manifest)} resources`;
  const alike = known.find((each) => each.split("/")[1] === name.split("/")[1]);
  if (alike === undefined) return unknownName(where, name, pools);
  return [
    warning(
      where,
      `requests ${name}, where the others say ${alike}`,
      "the pod stays Pending: no node offers it",
      `write ${alike}`,
    ),
  ];
}

/** Names that another device plugin of the same vendor gives: NVIDIA's, whose prefix its network operator uses as well. */
const ofGpus = /^nvidia\.com\/(gpu|mig-)/;

function unknownName(where: string, name: string, pools: readonly DevicePool[]): Finding[] {
  const prefix = `${name.split("/")[0]}/`;
  if (ofGpus.test(name) || !pools.some(({ resource }) => resource.startsWith(prefix))) return [];
  return [
    warning(
      where,
      `requests ${name}, and no pool here is called so (there are: ${names(pools)})`,
      "the pod stays Pending, unless another device plugin offers it",
      "write the name of a pool, or check the other plugin's configuration along with these",
    ),
  ];
}
