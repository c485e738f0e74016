import type { Check } from "../check.ts";
import { error, type Finding, note } from "../finding.ts";
import { physicalFunctions, weighed } from "../physical-functions.ts";
import type { Tree } from "../tree.ts";

/** Whether the physical functions take flows for their hardware. */
export const hwTcOffload: Check = {
  id: "hw-tc-offload",
  title: "hw-tc-offload is on",
  applies: ["host"],
  async run(tree, scope) {
    const found = physicalFunctions(tree, scope).map(async (pf) =>
      weighed(pf, scope, await judge(tree, pf.name)),
    );
    return (await Promise.all(found)).flat();
  },
};

async function judge(tree: Tree, name: string): Promise<Finding[]> {
  const why = "flows stay in software: it works, at a fraction of the speed";
  const output = await tree.output("ethtool", ["-k", name]);
  if ("failure" in output)
    return [note(name, output.failure, `whether hw-tc-offload is on is not known; without it, ${why}`)];
  const [, state, fixed] = /^\s*hw-tc-offload: (\w+)( \[fixed\])?/m.exec(output.stdout) ?? [];
  if (state === "on") return [];
  const what = `hw-tc-offload is ${state ?? "not among the features"}${fixed ?? ""}`;
  if (fixed !== undefined || state === undefined)
    return [error(name, what, why, "the driver cannot: use a NIC and a driver with switchdev")];
  return [error(name, what, why, `ethtool -K ${name} hw-tc-offload on`)];
}
