import { error, type Reported } from "../finding.ts";

type Content = Readonly<Record<string, unknown>>;

/** Keys that are right at the top of the kinds that are read here. */
const top = new Set([
  ...[
    "apiVersion",
    "kind",
    "metadata",
    "spec",
    "data",
    "stringData",
    "binaryData",
    "immutable",
    "type",
    "status",
    "items",
  ],
  ...["rules", "roleRef", "subjects", "secrets", "webhooks", "provisioner", "parameters", "imagePullSecrets"],
]);
/** Keys that have children, and are empty where these are not indented. */
const sections = new Set(["metadata", "spec", "data", "stringData"]);

/**
 * Finds what stands beside an empty section and belongs into it, as in "metadata:" with "name:" right below it, and
 * gives the document as it was meant. `keyLines` are the lines of the keys at the top.
 */
export function putBack(
  file: string,
  content: Content,
  keyLines: ReadonlyMap<string, number>,
): { readonly content: Content; readonly findings: readonly Reported[] } {
  const meant: Record<string, unknown> = {};
  const strays = new Map<string, string[]>();
  let section: string | undefined;
  for (const [key, value] of Object.entries(content).sort(byLine(keyLines))) {
    if (top.has(key) || section === undefined) {
      meant[key] = value;
      section = sections.has(key) && value === null ? key : undefined;
      continue;
    }
    strays.set(section, [...(strays.get(section) ?? []), key]);
    meant[section] = { ...(meant[section] as object | null), [key]: value };
  }
  const findings = [...strays].map(([parent, keys]) => misindented(file, parent, keys, keyLines));
  return { content: meant, findings };
}

/** Keys that look like numbers come first in a JavaScript object, whatever their line. */
const byLine =
  (keyLines: ReadonlyMap<string, number>) =>
  ([a]: [string, unknown], [b]: [string, unknown]) =>
    (keyLines.get(a) ?? 0) - (keyLines.get(b) ?? 0);

function misindented(
  file: string,
  parent: string,
  keys: readonly string[],
  lines: ReadonlyMap<string, number>,
): Reported {
  const at = lines.get(parent) ?? 0;
  const names = keys.map((key) => `${key} (line ${lines.get(key)})`).join(", ");
  return {
    ...error(
      `${file}:${at}`,
      `mis-indented: ${parent} is empty, and ${names} ${keys.length > 1 ? "stand" : "stands"} beside it`,
      `kubectl refuses the object, or takes it without its ${parent}`,
      `indent these lines, and what is below them, by two blanks more than ${parent}`,
    ),
    check: "indentation",
  };
}
