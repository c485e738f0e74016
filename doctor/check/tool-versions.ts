import type { Check, Role } from "../check.ts";
import { error, type Finding, note } from "../finding.ts";
import type { Output } from "../programs.ts";
import { isOlder, versionIn } from "../version.ts";

interface Tool {
  readonly program: string;
  readonly args: readonly string[];
  readonly applies: readonly Role[];
  readonly oldest: string;
  readonly why: string;
  readonly version: (printed: string) => string | undefined;
}

const tools: readonly Tool[] = [
  {
    program: "ip",
    args: ["-V"],
    applies: ["host", "dpu"],
    oldest: "4.12",
    why: "older ones know neither switchdev nor a VF's state",
    version: iproute2Version,
  },
  {
    program: "ovs-vsctl",
    args: ["--version"],
    applies: ["dpu"],
    oldest: "2.13",
    why: "older ones do not offload connection tracking, which OVN's flows are made of",
    version: versionIn,
  },
];

/** "iproute2-6.1.0" since 5.7; before, "iproute2-ss170705" by the day: 4.12 is of 2017-07-05. */
function iproute2Version(printed: string): string | undefined {
  const day = /iproute2-ss(\d{6})/.exec(printed)?.[1];
  if (day !== undefined) return Number(day) >= 170705 ? "4.12" : "4.11";
  return versionIn(printed.replace("iproute2", ""));
}

/** The versions of the programs that a DPU or its host is set up with. */
export const toolVersions: Check = {
  id: "tool-versions",
  title: "versions of ip and Open vSwitch",
  applies: ["host", "dpu"],
  async run(tree, { role }) {
    const wanted = tools.filter(({ applies }) => applies.includes(role));
    const found = wanted.map(async (tool) => judge(tool, await tree.output(tool.program, tool.args)));
    return (await Promise.all(found)).flat();
  },
};

function judge({ program, oldest, why, version }: Tool, output: Output): Finding[] {
  if ("failure" in output)
    return [note(program, output.failure, `its version (${oldest} or newer) is not known`)];
  const found = version(output.stdout);
  if (found === undefined || !isOlder(found, oldest)) return [];
  const said = output.stdout.trim().split("\n")[0] ?? "";
  return [error(program, `"${said}" is older than ${oldest}`, why, `install ${program} ${oldest} or newer`)];
}
