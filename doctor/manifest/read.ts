import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseAllDocuments,
  type YAMLMap,
} from "yaml";
import { error, type Reported } from "../finding.ts";
import { at, type Manifest, textAt } from "./manifest.ts";
import { putBack } from "./put-back.ts";
import { shapeOf } from "./shapes.ts";

/** What a file's text holds, and what is wrong with it as YAML. */
export interface Read {
  readonly manifests: readonly Manifest[];
  readonly findings: readonly Reported[];
}

/** Reads every document of a YAML text. A mis-indented one is reported, put right, and read on, so that all is found at once. */
export function readManifests(file: string, text: string): Read {
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false, logLevel: "error" });
  // The library gives an "empty" answer for a text with no document at all.
  const reads = [...(documents as Iterable<Document.Parsed>)].map((each) => readOne(file, each, lineCounter));
  return {
    manifests: reads.flatMap((read) => read.manifests),
    findings: reads.flatMap((read) => read.findings),
  };
}

function readOne(file: string, document: Document.Parsed, lines: LineCounter): Read {
  const wrong = document.errors.map(({ message, pos }) => {
    const { line, col } = lines.linePos(pos[0]);
    const mend = "mend the line; children are indented with blanks, deeper than their parent's key";
    return {
      ...error(`${file}:${line}:${col}`, message, "kubectl refuses the whole file", mend),
      check: "yaml",
    };
  });
  if (wrong.length > 0) return { manifests: [], findings: wrong };
  if (document.contents === null || isEmpty(document.contents)) return { manifests: [], findings: [] };
  const line = lines.linePos(document.contents.range[0]).line;
  if (!isMap(document.contents)) return notAnObject(file, line);
  const object = objectIn(document);
  if (object === undefined) return tooLarge(file, line);
  const tops = topsOf(document.contents);
  const findings = tops.flatMap((top) => mended(file, top, lines));
  // Where a moved line now stands before the anchor that it names, what was written is looked at.
  const meant = findings.length > 0 ? (objectIn(document) ?? object) : object;
  const items = at(meant, "items");
  const contents = textAt(meant, "kind") === "List" && Array.isArray(items) ? items : [meant];
  return { manifests: contents.map((each) => manifestOf(file, line, each)), findings };
}

/** The mapping of an object, or those of the objects of a List. */
function topsOf(contents: YAMLMap): readonly YAMLMap[] {
  const items = contents.get("items");
  return contents.get("kind") === "List" && isSeq(items) ? items.items.filter(isMap) : [contents];
}

function mended(file: string, top: YAMLMap, lines: LineCounter): readonly Reported[] {
  const kind = String(top.get("kind") ?? "");
  const lineOf = ({ key }: Pair) => (isScalar(key) ? lines.linePos(key.range?.[0] ?? 0).line : 0);
  const found = putBack(top, shapeOf(kind), { file, path: "", kind, lineOf });
  return found.map((finding) => ({ ...finding, check: "indentation" }));
}

function notAnObject(file: string, line: number): Read {
  const found = error(
    `${file}:${line}`,
    "is no Kubernetes object",
    "kubectl refuses the whole file",
    "start it with apiVersion: and kind:",
  );
  return { manifests: [], findings: [{ ...found, check: "yaml" }] };
}

/** A document of comments, or of nothing between two "---". */
const isEmpty = (contents: unknown) => isScalar(contents) && contents.value === null;

/** undefined: a few aliases in one another would make gigabytes of it. */
function objectIn(document: Document.Parsed): Readonly<Record<string, unknown>> | undefined {
  try {
    return document.toJS({ maxAliasCount: 100 }) as Readonly<Record<string, unknown>>;
  } catch (error) {
    if (error instanceof ReferenceError) return undefined;
    throw error;
  }
}

function tooLarge(file: string, line: number): Read {
  const what = "is too large when its aliases are expanded";
  const found = error(
    `${file}:${line}`,
    what,
    "kubectl refuses the whole file",
    "write it out, without & and *",
  );
  return { manifests: [], findings: [{ ...found, check: "yaml" }] };
}

function manifestOf(file: string, line: number, content: unknown): Manifest {
  return {
    file,
    line,
    kind: textAt(content, "kind") ?? "",
    name: textAt(content, "metadata", "name") ?? "",
    namespace: textAt(content, "metadata", "namespace") ?? "",
    content: (content ?? {}) as Manifest["content"],
  };
}
