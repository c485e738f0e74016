import { error, type Finding, warning } from "../../finding.ts";
import { type Manifest, ofKind, placeOf, podsOf, type Rule, textAt } from "../manifest.ts";

const defaultNetwork = "v1.multus-cni.io/default-network";
const networks = "k8s.v1.cni.cncf.io/networks";

/** A network that a pod asks for. */
export interface Wish {
  readonly annotation: string;
  readonly namespace: string;
  readonly name: string;
}

/** The networks that a pod's annotations name, where they are text that Multus can read. */
export function wishesOf(manifest: Manifest): readonly Wish[] {
  const pod = podsOf(manifest);
  const text = (annotation: string) => textAt(pod?.metadata, "annotations", annotation) ?? "";
  const own = textAt(pod?.metadata, "namespace") ?? manifest.namespace;
  // Multus looks a default network without a namespace up in its own (multusNamespace, kube-system).
  return [
    ...parsed(text(defaultNetwork), defaultNetwork, "kube-system"),
    ...parsed(text(networks), networks, own),
  ];
}

/** "ns/name@ifname, name" or a JSON list of {name, namespace} (multi-network specification 1.3, 4.1.1). */
function parsed(text: string, annotation: string, namespace: string): Wish[] {
  if (/^\s*[[{]/.test(text)) return listed(text, annotation, namespace);
  const names = text.split(",").map((part) => part.trim().replace(/@.*$/, ""));
  return names
    .filter((name) => name !== "")
    .map((name) => {
      const [first = "", second] = name.split("/");
      return second === undefined
        ? { annotation, namespace, name }
        : { annotation, namespace: first, name: second };
    });
}

function listed(text: string, annotation: string, namespace: string): Wish[] {
  try {
    return (JSON.parse(text) as unknown[]).map((each) => ({
      annotation,
      namespace: textAt(each, "namespace") ?? namespace,
      name: textAt(each, "name") ?? "",
    }));
  } catch {
    return [{ annotation, namespace, name: "" }];
  }
}

/** Whether the networks that pods name are among the manifests, where these define any. */
export const podNetworks: Rule = {
  id: "pod-networks",
  title: "networks that pods ask for",
  run(manifests) {
    const nads = ofKind(manifests, "NetworkAttachmentDefinition");
    return manifests.flatMap((manifest) => wishesOf(manifest).flatMap((wish) => judge(manifest, wish, nads)));
  },
};

function judge(manifest: Manifest, wish: Wish, nads: readonly Manifest[]): Finding[] {
  const where = `${placeOf(manifest)} ${wish.annotation}`;
  const why = "the pod stays ContainerCreating: Multus cannot find the network";
  if (wish.name === "")
    return [error(where, "is neither names nor a JSON list with names", why, "write namespace/name")];
  const named = nads.filter(({ name }) => name === wish.name);
  if (nads.length === 0 || named.some(({ namespace }) => (namespace || wish.namespace) === wish.namespace))
    return [];
  const elsewhere = named[0];
  if (elsewhere === undefined)
    return [
      warning(
        where,
        `no NetworkAttachmentDefinition here is called ${wish.namespace}/${wish.name}`,
        why,
        "name one that is there, or check its manifest along with these",
      ),
    ];
  return [
    error(
      where,
      `"${wish.name}" is looked up in namespace ${wish.namespace || "default"}, and defined in ${elsewhere.namespace}`,
      why,
      `write ${elsewhere.namespace}/${wish.name}`,
    ),
  ];
}
