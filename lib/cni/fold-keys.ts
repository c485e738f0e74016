import type * as z from "zod/mini";
import { isObject } from "./conf.ts";
import type { Json, JsonObject } from "./json.ts";

/** The parts of a schema's definition that say where keys are (zod/v4/core, $ZodTypeDef and its kinds). */
interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly element?: z.core.$ZodType;
  readonly innerType?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly options?: readonly z.core.$ZodType[];
  readonly left?: z.core.$ZodType;
  readonly right?: z.core.$ZodType;
  readonly in?: z.core.$ZodType;
  readonly getter?: () => z.core.$ZodType;
}

/**
 * The JSON with its keys spelled as in the schema, at every level, for Go matches the keys of a structure in any
 * case and users rely on it. The exact spelling wins, then the last of the others. A null where the schema takes
 * none is left out: in Go it leaves the zero value. Keys that the schema does not know stay as they are, less `__proto__`.
 */
export function foldKeys(schema: z.core.$ZodType, json: Json): Json {
  const def = schema._zod.def as unknown as Definition;
  const inner = [def.innerType, def.in, def.getter?.(), def.left, def.right, ...(def.options ?? [])];
  const folded = inner.reduce((value, one) => (one === undefined ? value : foldKeys(one, value)), json);
  if (Array.isArray(folded)) return foldElements(def.element, folded);
  if (!isObject(folded)) return folded;
  if (def.shape !== undefined) return foldObject(def.shape, folded);
  return def.valueType === undefined ? folded : foldValues(def.valueType, folded);
}

function foldElements(element: z.core.$ZodType | undefined, json: readonly Json[]): Json {
  return element === undefined ? json : json.map((value) => foldKeys(element, value));
}

function foldValues(valueType: z.core.$ZodType, json: JsonObject): Json {
  const entries = Object.entries(json).map(([key, value]) => [key, foldKeys(valueType, value ?? null)]);
  return objectOf(entries as [string, Json][]);
}

/** Any number of keys that nobody reads may be there, so what needs no change is not copied. */
function foldObject(shape: Readonly<Record<string, z.core.$ZodType>>, json: JsonObject): Json {
  const spelling = new Map(Object.keys(shape).map((key) => [key.toLowerCase(), key]));
  const nameOf = (key: string) =>
    Object.hasOwn(shape, key) ? key : (spelling.get(key.toLowerCase()) ?? key);
  const keys = Object.keys(json);
  const known = keys.filter((key) => Object.hasOwn(shape, nameOf(key)));
  // Exact spellings go last, and so win over the others.
  const sorted = known.sort((a, b) => Number(a === nameOf(a)) - Number(b === nameOf(b)));
  const folded = new Map<string, Json>();
  let isSame = !Object.hasOwn(json, "__proto__");
  for (const key of sorted) {
    const value = json[key] ?? null;
    const type = shape[nameOf(key)];
    const kept = type !== undefined && (value !== null || takesNull(type));
    if (kept) folded.set(nameOf(key), foldKeys(type, value));
    isSame &&= kept && key === nameOf(key) && folded.get(key) === value;
  }
  if (isSame) return json;
  const unknown = keys.filter((key) => !Object.hasOwn(shape, nameOf(key)));
  return objectOf([...unknown.map((key): [string, Json] => [key, json[key] ?? null]), ...folded]);
}

function takesNull(schema: z.core.$ZodType): boolean {
  const { type, innerType, options = [] } = schema._zod.def as unknown as Definition;
  if (type === "null" || type === "nullable" || type === "any" || type === "unknown") return true;
  return [innerType, ...options].some((one) => one !== undefined && takesNull(one));
}

/** Object.fromEntries defines keys instead of assigning them, so that none can be a setter; zod assigns `__proto__`. */
function objectOf(entries: readonly (readonly [string, Json])[]): JsonObject {
  return Object.fromEntries(entries.filter(([key]) => key !== "__proto__"));
}
