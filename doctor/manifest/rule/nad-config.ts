import { jsonOf, typesIn } from "../../cni-files.ts";
import { error, type Finding, warning } from "../../finding.ts";
import { at, type Manifest, ofKind, placeOf, type Rule, textAt } from "../manifest.ts";

/** The annotation that ties a network to a pool of devices. */
export const resourceAnnotation = "k8s.v1.cni.cncf.io/resourceName";
const versions = new Set(["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]);

/** Whether a NetworkAttachmentDefinition holds a configuration that a plugin could be given. */
export const nadConfig: Rule = {
  id: "nad-config",
  title: "configurations in NetworkAttachmentDefinitions",
  run: (manifests) => ofKind(manifests, "NetworkAttachmentDefinition").flatMap(judge),
};

function judge(nad: Manifest): Finding[] {
  const where = `${placeOf(nad)} spec.config`;
  const why = "every pod that names this network stays ContainerCreating";
  const config = at(nad.content, "spec", "config");
  if (config === undefined || config === "") return []; // Multus then takes the file of that name on the node.
  if (typeof config !== "string")
    return [
      error(where, "is a mapping, not text", "kubectl refuses it", "write the JSON as text: config: '{…}'"),
    ];
  const conf = jsonOf(config);
  if (conf === undefined) return [error(where, "is not JSON", why, "put it through python3 -m json.tool")];
  return [
    ...versionFault(where, why, textAt(conf, "cniVersion")),
    ...typeFaults(nad, where, why, typesIn(conf)),
  ];
}

function versionFault(where: string, why: string, version: string | undefined): Finding[] {
  if (version !== undefined && versions.has(version)) return [];
  const what = version === undefined ? "has no cniVersion" : `cniVersion "${version}" is none`;
  return [error(where, what, why, 'write "cniVersion": "1.0.0", or an older one that the plugin knows')];
}

function typeFaults(nad: Manifest, where: string, why: string, types: readonly string[]): Finding[] {
  if (types.length === 0) return [error(where, "names no plugin", why, 'write "type": "…"')];
  const resource = textAt(nad.content, "metadata", "annotations", resourceAnnotation);
  if (resource !== undefined || !types.includes("sriov")) return [];
  return [
    warning(
      where,
      `type sriov without the annotation ${resourceAnnotation}`,
      "Multus hands the plugin no device, and it refuses each pod",
      `metadata.annotations: { ${resourceAnnotation}: <prefix>/<name> }`,
    ),
  ];
}
