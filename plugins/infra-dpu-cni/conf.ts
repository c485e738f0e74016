import * as z from "zod/mini";
import { valueIn } from "../../lib/cni/conf.ts";
import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import type { Json, JsonObject } from "../../lib/cni/json.ts";
import { parseConf } from "../../lib/cni/netconf.ts";

/**
 * A code that ADD may be refused with. Two would do harm: 3 tells the runtime that no DEL is needed, 11 that the
 * same ADD may succeed later, so that it would be tried again at once.
 */
const RefusalCode = z.int("is not a whole number; use 100 or above, 7 or 50").check(
  z.refine(
    (code: number) => code > 0 && code <= 0xffff_ffff,
    "is not a positive 32-bit number; use 100, 7 or 50",
  ),
  z.refine((code: number) => code !== 3, "tells the runtime that it needs no DEL; use 100, 7 or 50"),
  z.refine((code: number) => code !== 11, "promises that trying again helps; use 100, 7 or 50"),
);
const Text = z
  .string()
  .check(z.refine((text: string) => text.trim() !== "", "is empty; leave it out or give a text"));

/** `"error"`: what the refusal of an ADD says. Each field has a default. */
const ErrorConf = { code: RefusalCode, msg: Text, details: Text };
const Status = z.enum(["ready", "strict"]);

/** Whether STATUS is to say that no pod network can be had. Code 7 where `"status"` is neither "ready" nor "strict". */
export function isStrict(conf: JsonObject): boolean {
  const { status } = parseConf(z.object({ status: z._default(Status, "ready") }), pick(conf, "status"));
  return status === "strict";
}

/**
 * The refusal of an ADD. It must reach the pod's owner whatever the configuration holds: a field that cannot be
 * used is replaced by its default, and the details end with what is wrong with it.
 */
export function refusalFor({ conf, args, network, log }: Invocation): CniError {
  const faults: string[] = [];
  const read = <Key extends keyof typeof ErrorConf>(key: Key) => readField(conf, key, faults);
  const code = read("code") ?? ErrorCode.noPodNetwork;
  const msg = read("msg") ?? "no pod network on this node: only pods with hostNetwork: true can run here";
  const details = read("details") ?? defaultDetails(args, network);
  if (faults.length > 0) log.error("unusable configuration", { faults });
  return new CniError(code, msg, { details: [details, ...faults].join("; ") });
}

/** Who was refused, as far as the runtime says it, and what to do. */
function defaultDetails(args: ReadonlyMap<string, string>, network: string): string {
  const pod = [args.get("K8S_POD_NAMESPACE"), args.get("K8S_POD_NAME")].filter(Boolean).join("/");
  const asked = network === "" ? "a pod network" : `network ${network}`;
  return `pod ${pod === "" ? "" : `${pod} `}asks for ${asked}: set hostNetwork: true in its spec, or schedule it on another node`;
}

/** One field of `"error"`, read for itself, so that what is wrong with another does not lose it. */
function readField<Key extends keyof typeof ErrorConf>(
  conf: JsonObject,
  key: Key,
  faults: string[],
): z.infer<(typeof ErrorConf)[Key]> | undefined {
  const schema = z.object({ error: z.optional(z.object({ [key]: z.optional(ErrorConf[key]) })) });
  try {
    const { error } = parseConf(schema, pick(conf, "error"));
    return error?.[key] as z.infer<(typeof ErrorConf)[Key]> | undefined;
  } catch (error) {
    const fault = (error as CniError).message;
    if (!faults.includes(fault)) faults.push(fault);
    return undefined;
  }
}

function pick(conf: JsonObject, key: string): Json {
  const value = valueIn(conf, key);
  return value === undefined ? {} : { [key]: value };
}
