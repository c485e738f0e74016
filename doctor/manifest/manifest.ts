import type { Finding } from "../finding.ts";

/** One YAML document, with mis-indented children put where they belong. */
export interface Manifest {
  readonly file: string;
  /** Line of the document's first key, from 1 */
  readonly line: number;
  readonly kind: string;
  readonly name: string;
  /** "" where it has none */
  readonly namespace: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** One thing that the manifests of a set must agree on. */
export interface Rule {
  readonly id: string;
  readonly title: string;
  readonly run: (manifests: readonly Manifest[]) => readonly Finding[];
}

/** How a manifest is named in a finding: file, line, kind and name. */
export function placeOf({ file, line, kind, name }: Manifest): string {
  return `${file}:${line} ${kind}/${name}`;
}

export const ofKind = (manifests: readonly Manifest[], ...kinds: readonly string[]) =>
  manifests.filter(({ kind }) => kinds.includes(kind));

/** What is at a path of keys; undefined where there is nothing. */
export function at(value: unknown, ...keys: readonly string[]): unknown {
  let found = value;
  for (const key of keys) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
}

/** The entries of what is at a path of keys; none where that is no mapping. */
export function entriesAt(
  value: unknown,
  ...keys: readonly string[]
): readonly (readonly [string, unknown])[] {
  const found = at(value, ...keys);
  return typeof found === "object" && found !== null && !Array.isArray(found) ? Object.entries(found) : [];
}

/** A text at a path of keys; undefined where there is none. */
export function textAt(value: unknown, ...keys: readonly string[]): string | undefined {
  const found = at(value, ...keys);
  return typeof found === "string" ? found : undefined;
}

export function listAt(value: unknown, ...keys: readonly string[]): readonly unknown[] {
  const found = at(value, ...keys);
  return Array.isArray(found) ? found : [];
}

/** The pod that a manifest makes: a Pod itself, or the template of what makes pods. */
export function podsOf(
  manifest: Manifest,
): { readonly metadata: unknown; readonly spec: unknown } | undefined {
  const { kind, content } = manifest;
  if (kind === "Pod") return { metadata: content.metadata, spec: content.spec };
  const template = at(content, "spec", "template") ?? at(content, "spec", "jobTemplate", "spec", "template");
  return template === undefined
    ? undefined
    : { metadata: at(template, "metadata"), spec: at(template, "spec") };
}
