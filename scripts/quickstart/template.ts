import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { JsonObject } from "../../lib/cni/json.ts";
import { attempt, ip } from "./command.ts";

const folder = fileURLToPath(new URL("../../conf-templates/", import.meta.url));

/** A file of conf-templates, as it is. */
export interface Template {
  /** "conf-templates/multi-nic-macvlan.conf" */
  readonly file: string;
  /** "ipvlan l3" */
  readonly link: string;
  readonly conf: JsonObject & { readonly name: string };
  /** What the kernel says to ipvlan, where macvlan stands in for it; else undefined. */
  readonly ipvlanRefusal: string | undefined;
}

/** The ipvlan l3 template, or the macvlan one on a kernel that makes no ipvlan links. */
export async function chooseTemplate(): Promise<Template> {
  const refusal = await refusalOfIpvlan();
  return template(refusal === undefined ? "multi-nic-ipvlan-l3" : "multi-nic-macvlan", refusal);
}

function template(name: string, ipvlanRefusal: string | undefined): Template {
  const conf = JSON.parse(readFileSync(`${folder}${name}.conf`, "utf8"));
  const { type, mode } = conf.plugin;
  return { file: `conf-templates/${name}.conf`, link: `${type} ${mode}`, conf, ipvlanRefusal };
}

/** What the kernel says where it makes no ipvlan link: one is made in this process' own network namespace, and removed. */
async function refusalOfIpvlan(): Promise<string | undefined> {
  await ip(undefined, ["link add probe0 type veth peer name probe1"]);
  const probe = ["link", "add", "link", "probe0", "name", "probe2", "type", "ipvlan"];
  const { status, stderr } = await attempt("ip", probe);
  await ip(undefined, ["link del probe0"]);
  return status === 0 ? undefined : stderr.trim().replace(/\s+/g, " ");
}
