import * as z from "zod/mini";
import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import { optionalText, parseConf } from "../../lib/cni/netconf.ts";
import { parseBandwidth } from "../../lib/nic/policy/bandwidth.ts";
import { type Strategy, strategies } from "../../lib/nic/policy/policy.ts";

const AttachPolicy = () =>
  z.looseObject({
    strategy: z.optional(z.enum(strategies)),
    class: optionalText,
    target: optionalText,
  });

const PodWish = () => z.looseObject({ class: optionalText, target: optionalText });

/** An attachment policy, with what the pod overrides of it. */
export interface PolicyConf {
  readonly strategy: Strategy;
  /** A name of the file of classes; never under "none", which passes it over as upstream does */
  readonly className: string | undefined;
  /** Mbit/s; of costOpt and perfOpt */
  readonly target: number | undefined;
}

/**
 * What the configuration says under attachPolicy, and the pod in its cni-args.
 * @throws CniError naming the key, the value and the remedy
 */
export function parsePolicy(attachPolicy: object, cniArgs: object | undefined): PolicyConf {
  const network = parseConf(AttachPolicy(), attachPolicy, "attachPolicy");
  const { strategy = "none" } = network;
  if (strategy === "none") return { strategy, className: undefined, target: undefined };
  const pod = parseConf(PodWish(), cniArgs ?? {}, "args.cni");
  // Upstream's structures write "" for "not given".
  const className = pod.class || network.class || undefined;
  if (className === undefined && strategy === "devClass")
    throw missing("class", strategy, "a class of the class file");
  if (strategy !== "costOpt" && strategy !== "perfOpt") return { strategy, className, target: undefined };
  const target = pod.target || network.target || undefined;
  if (target === undefined) throw missing("target", strategy, "a bandwidth, like 100Gbps");
  const key = pod.target ? "args.cni.target" : "attachPolicy.target";
  return { strategy, className, target: bandwidth(target, key) };
}

function bandwidth(text: string, key: string): number {
  try {
    return parseBandwidth(text);
  } catch (cause) {
    throw new CniError(ErrorCode.invalidConfig, `${key}: ${(cause as Error).message}`, { cause });
  }
}

const missing = (key: string, strategy: string, what: string): CniError =>
  new CniError(
    ErrorCode.invalidConfig,
    `attachPolicy.${key}: is missing, and strategy ${strategy} needs it; name ${what} there, or in the pod's args.cni.${key}`,
  );
