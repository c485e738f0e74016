import type { Check } from "../check.ts";
import { error, type Finding, warning } from "../finding.ts";
import { isUp, type PhysicalFunction, physicalFunctions, weighed } from "../physical-functions.ts";
import { numberOf, readValue, type Tree } from "../tree.ts";

/** Whether the physical functions are up, with carrier, and take what their virtual functions send. */
export const pfUp: Check = {
  id: "pf-up",
  title: "the physical function is up",
  applies: ["host"],
  run: (tree, scope) => physicalFunctions(tree, scope).flatMap((pf) => weighed(pf, scope, judge(tree, pf))),
};

function judge(tree: Tree, { name, vfs }: PhysicalFunction): Finding[] {
  const folder = `/sys/class/net/${name}`;
  if (isUp(tree, name) === false)
    return [
      error(folder, `${name} is down`, "its virtual functions have no link either", `ip link set ${name} up`),
    ];
  const found: Finding[] = [];
  const state = readValue(tree, `${folder}/operstate`);
  if (state === "down" || state === "lowerlayerdown")
    found.push(
      warning(
        `${folder}/operstate`,
        `${name} has no carrier`,
        "pods send nothing beyond this host",
        `check the cable, the switch's port, and: ethtool ${name}`,
      ),
    );
  const mtu = numberOf(tree, `${folder}/mtu`) ?? Number.POSITIVE_INFINITY;
  const larger = vfs.flatMap(({ links }) => links).filter((link) => (link.mtu ?? 0) > mtu);
  for (const link of larger)
    found.push(
      warning(
        `/sys/class/net/${link.name}/mtu`,
        `${link.mtu} is more than the ${mtu} of ${name}`,
        "what is longer than that is dropped without a word",
        `ip link set ${link.name} mtu ${mtu}`,
      ),
    );
  return found;
}
