import { isMap, isNode, isScalar, isSeq, type Pair, YAMLMap } from "yaml";
import { error, type Finding } from "../finding.ts";
import type { Shape } from "./shapes.ts";

/** Where a mapping is, for findings. */
interface Place {
  readonly file: string;
  /** Keys on the way to it, such as spec.containers[0]; "" at the top */
  readonly path: string;
  /** The object's kind */
  readonly kind: string;
  readonly lineOf: (pair: Pair) => number;
}

/** A key that stands where it is not read, and the key beside it that it belongs below. */
interface Stray {
  readonly pair: Pair;
  readonly home: Pair | undefined;
}

/**
 * Finds keys that are read one level deeper than where they stand, as in "metadata:" with "name:" right below it, moves
 * them to where they were meant, and goes on with what is below. Keys that Kubernetes does not know are found where
 * it knows them all.
 */
export function putBack(map: YAMLMap, shape: Shape, place: Place): readonly Finding[] {
  const strays = straysIn(map, shape);
  const homes = new Map(strays.map(({ home }) => [home, strays.filter((stray) => stray.home === home)]));
  // What is said of a key depends on its home as it was written.
  const found = [...homes].map(([home, of]) => misindented(place, home, of));
  for (const stray of strays) move(map, stray);
  return [...found, ...below(map, shape, place)];
}

function straysIn(map: YAMLMap, shape: Shape): readonly Stray[] {
  const strays: Stray[] = [];
  const before: Pair[] = [];
  for (const pair of map.items) {
    const key = keyOf(pair);
    if (key === undefined || isKnown(shape, key)) {
      before.push(pair);
      continue;
    }
    const home = homeOf(shape, key, before);
    if (home !== undefined || shape.others === "none") strays.push({ pair, home });
  }
  return strays;
}

const keyOf = ({ key }: Pair) => (isScalar(key) ? String(key.value) : undefined);
const isNull = ({ value }: Pair) => value === null || (isScalar(value) && value.value === null);
/** "<<" merges another mapping into this one. */
const isKnown = ({ plain, nested, others }: Shape, key: string) =>
  others === "names" || plain.has(key) || Object.hasOwn(nested, key) || key === "<<";

/** The key that an unknown one belongs below: the empty one above it, or the nearest above it that has such keys. */
function homeOf(shape: Shape, key: string, before: readonly Pair[]): Pair | undefined {
  const shapeBelow = (pair: Pair) => own(shape.nested, keyOf(pair));
  const last = before.at(-1);
  if (last !== undefined && isNull(last) && shapeBelow(last) !== undefined) return last;
  if (shape.others === "unknown") return undefined;
  const has = (pair: Pair) => {
    const { plain, nested } = shapeBelow(pair) ?? {};
    return plain?.has(key) || (nested !== undefined && Object.hasOwn(nested, key));
  };
  const takesAny = (pair: Pair) => shape.others === "none" && shapeBelow(pair)?.others === "names";
  return before.findLast(has) ?? before.findLast(takesAny);
}

const own = (nested: Shape["nested"], key: string | undefined) =>
  key !== undefined && Object.hasOwn(nested, key) ? nested[key] : undefined;

/** Moves a key below its home, or to the last item of a list, unless there is one of that name. */
function move(map: YAMLMap, { pair, home }: Stray): void {
  if (home === undefined) return;
  if (isNull(home)) home.value = new YAMLMap();
  const target = isSeq(home.value) ? home.value.items.at(-1) : home.value;
  if (!isMap(target) || target.has(pair.key)) return;
  map.items.splice(map.items.indexOf(pair), 1);
  target.items.push(pair);
}

function below(map: YAMLMap, shape: Shape, place: Place): readonly Finding[] {
  return map.items.flatMap((pair) => {
    const key = keyOf(pair);
    const inner = own(shape.nested, key);
    if (inner === undefined || !isNode(pair.value)) return [];
    const path = place.path === "" ? `${key}` : `${place.path}.${key}`;
    if (isMap(pair.value)) return putBack(pair.value, inner, { ...place, path });
    if (!isSeq(pair.value)) return [];
    return pair.value.items.flatMap((item, index) =>
      isMap(item) ? putBack(item, inner, { ...place, path: `${path}[${index}]` }) : [],
    );
  });
}

function misindented(place: Place, home: Pair | undefined, strays: readonly Stray[]): Finding {
  const { file, path, kind, lineOf } = place;
  const pairs = strays.map(({ pair }) => pair);
  const names = pairs.map((pair) => `${keyOf(pair)} (line ${lineOf(pair)})`).join(", ");
  const several = pairs.length > 1;
  const first = `${file}:${lineOf(pairs[0] as Pair)}`;
  if (home === undefined)
    return error(
      first,
      `mis-indented: ${names} ${several ? "are no keys" : "is no key"} of ${path === "" ? `a ${kind}` : path}`,
      `kubectl refuses the object, or takes it without ${several ? "them" : "it"}`,
      "indent it deeper than the key it belongs to, as what is below it, or mend its name",
    );
  const parent = path === "" ? `${keyOf(home)}` : `${path}.${keyOf(home)}`;
  const mend = `indent ${several ? "these lines" : "this line"}, and what is below, by two blanks more than ${keyOf(home)}`;
  const stand = several ? "stand" : "stands";
  if (isNull(home))
    return error(
      `${file}:${lineOf(home)}`,
      `mis-indented: ${parent} is empty, and ${names} ${stand} beside it`,
      `kubectl refuses the object, or takes it without its ${keyOf(home)}`,
      mend,
    );
  return error(
    first,
    `mis-indented: ${names} ${stand} beside ${parent}, not in it`,
    `kubectl refuses the object, or takes it without ${several ? "them" : "it"}`,
    mend,
  );
}
