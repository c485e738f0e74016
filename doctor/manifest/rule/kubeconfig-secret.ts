import { parse } from "yaml";
import { error, type Finding, note } from "../../finding.ts";
import { entriesAt, listAt, type Manifest, ofKind, placeOf, type Rule, textAt } from "../manifest.ts";

const create = "kubectl create secret generic NAME --from-file=config=<kubeconfig of the tenant cluster>";
const cut = "the operator cannot reach the tenant cluster (TenantObjsSynced stays False)";

/** Whether the Secret of a DpuClusterConfig has a kubeconfig under the key that the operator reads. No value is ever printed. */
export const kubeconfigSecret: Rule = {
  id: "kubeconfig-secret",
  title: "Secret with the tenant cluster's kubeconfig",
  run: (manifests) => ofKind(manifests, "DpuClusterConfig").flatMap((config) => judge(config, manifests)),
};

function judge(config: Manifest, manifests: readonly Manifest[]): Finding[] {
  const wanted = textAt(config.content, "spec", "kubeConfigFile");
  if (wanted === undefined) return [];
  const secrets = ofKind(manifests, "Secret").filter(({ name }) => name === wanted);
  const [secret] = secrets;
  const mend = create.replace("NAME", wanted);
  if (secret === undefined)
    return [
      note(
        placeOf(config),
        `Secret ${wanted} is not among these manifests`,
        "it is not checked",
        `kubectl get secret ${wanted} -o yaml | multi-nic-doctor manifests <these> -, or: ${mend}`,
      ),
    ];
  if (secret.namespace !== config.namespace)
    return [
      error(
        placeOf(secret),
        `is in namespace "${secret.namespace}", and its DpuClusterConfig in "${config.namespace}"`,
        cut,
        `${mend} -n ${config.namespace || "default"}`,
      ),
    ];
  return [...configKey(secret, mend)];
}

function configKey(secret: Manifest, mend: string): Finding[] {
  const plain = new Map(entriesAt(secret.content, "stringData"));
  const encoded = new Map(entriesAt(secret.content, "data"));
  if (!plain.has("config") && !encoded.has("config")) {
    const keys = [...plain.keys(), ...encoded.keys()];
    return [error(placeOf(secret), `has no key "config" (it has: ${keys.join(", ") || "none"})`, cut, mend)];
  }
  const text = plain.has("config") ? String(plain.get("config")) : decoded(encoded.get("config"));
  const where = `${placeOf(secret)} ${plain.has("config") ? "stringData" : "data"}.config`;
  if (text === undefined)
    return [
      error(
        where,
        "is not base64",
        "the API server refuses the Secret",
        `${mend}, or write the text below stringData:`,
      ),
    ];
  const lacking = ["clusters", "contexts", "users"].filter((key) => listAt(parsed(text), key).length === 0);
  return lacking.length === 0
    ? []
    : [error(where, `is no kubeconfig: it has no ${lacking.join(", ")}`, cut, mend)];
}

function decoded(value: unknown): string | undefined {
  const text = String(value).replace(/\s/g, "");
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, "base64").toString("utf8") : undefined;
}

function parsed(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100 });
  } catch {
    return undefined;
  }
}
