import { readValue, type Tree } from "./tree.ts";

/** A link that is a port of an embedded switch. */
export interface SwitchPort {
  readonly name: string;
  readonly switchId: string;
  readonly kind: "uplink" | "host PF" | "VF" | "other";
}

const net = "/sys/class/net";

/** What phys_port_name says a port stands for; `c1` is a controller (net/core/devlink.c, devlink_nl_…phys_port_name_get). */
const kinds = [
  ["uplink", /^p\d+$/],
  ["host PF", /^(c\d+)?pf\d+$/],
  ["VF", /^(c\d+)?pf\d+vf\d+$/],
] as const;

/** The ports of the embedded switches: links with a phys_switch_id. None in legacy mode. */
export function switchPorts(tree: Tree): readonly SwitchPort[] {
  return tree.list(net).flatMap((name) => {
    const switchId = readValue(tree, `${net}/${name}/phys_switch_id`) ?? "";
    if (switchId === "") return [];
    const port = readValue(tree, `${net}/${name}/phys_port_name`) ?? "";
    const kind = kinds.find(([, pattern]) => pattern.test(port))?.[0] ?? "other";
    return [{ name, switchId, kind }];
  });
}
