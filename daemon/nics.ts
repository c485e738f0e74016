import { parseArguments, UsageError } from "../lib/cli/arguments.ts";
import { CniError } from "../lib/cni/error.ts";
import { ownNetns } from "../lib/linux/netns.ts";
import { NetlinkError } from "../lib/netlink/error.ts";
import type { HostNic } from "../lib/nic/host-nic.ts";
import { surveyNics } from "../lib/nic/survey.ts";
import { explain } from "./nics/explain.ts";
import { nicJson, nicTable, rulingJson, rulingTable } from "./nics/report.ts";

export const nicsHelp = `Usage: multi-nicd nics [--all] [--json] [--sys DIR]
       multi-nicd nics --explain FILE [--pod NAMESPACE/NAME] [--pod-uid UID] [--state-dir DIR] [--json] [--sys DIR]
Prints the NICs of this node (of the network namespace it is run in), and what is known of each.
  --all           virtual links too (veth, bridge, ...), as on a test bed
  --explain FILE  which of them a pod would get of the network whose configuration is in FILE (-: stdin), and why.
                  What the pod asks for is in its args.cni: {"args": {"cni": {"nics": 2, "class": "fast"}}}
  --pod NAMESPACE/NAME, --pod-uid UID
                  the pod, whose GPUs the policy topology goes by: kubelet knows it by its name, its checkpoint by its UID
  --state-dir DIR where attachments are counted, and node files and classes.json are
  --sys DIR       a captured tree's sys in place of /sys
  --json          one JSON document
Exit status: 0; 1 where the pod would be refused, or nothing can be told; 64 wrong arguments.
`;

export interface NicsAnswer {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: 0 | 1 | 64;
}

const options = {
  help: { type: "boolean", short: "h" },
  all: { type: "boolean" },
  json: { type: "boolean" },
  sys: { type: "string" },
  explain: { type: "string" },
  pod: { type: "string" },
  "pod-uid": { type: "string" },
  "state-dir": { type: "string" },
} as const;

/** Serves `multi-nicd nics` with the arguments behind it. Throws only defects. */
export async function nics(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<NicsAnswer> {
  try {
    return await answerTo(args, env);
  } catch (error) {
    if (error instanceof UsageError) return wrong(error.message);
    if (error instanceof CniError || error instanceof NetlinkError) return failed(error.message);
    throw error;
  }
}

async function answerTo(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<NicsAnswer> {
  const { values } = parseArguments({ args: [...args], options });
  if (values.help) return printed(nicsHelp);
  const { all = false, json = false, sys = "/sys" } = values;
  const file = values.explain;
  if (file === undefined && values["pod-uid"] !== undefined)
    throw new UsageError("--pod-uid goes with --explain FILE");
  if (file === undefined && values.pod !== undefined) throw new UsageError("--pod goes with --explain FILE");
  const pod = values.pod?.split("/") ?? ["", ""];
  if (pod.length !== 2 || (values.pod !== undefined && pod.includes("")))
    throw new UsageError(`--pod: "${values.pod}" is not NAMESPACE/NAME`);
  if (file !== undefined && all)
    throw new UsageError("--all does not go with --explain: the configuration says which links count");
  using host = ownNetns();
  const view = { netlink: host.netlink, sys };
  if (file === undefined) return listed(await surveyNics(view, all ? { virtual: "all" } : {}), json);
  const stateDir = values["state-dir"] ?? env.MULTI_NIC_CNI_STATE_DIR;
  const [namespace = "", name = ""] = pod;
  const names = { uid: values["pod-uid"] ?? "", namespace, name };
  const said = await explain(
    { file, pod: names, env: { ...env, MULTI_NIC_CNI_STATE_DIR: stateDir } },
    host,
    sys,
  );
  const stdout = json ? rulingJson(said) : rulingTable(said);
  return { ...printed(stdout), exitCode: said.refusal === undefined ? 0 : 1 };
}

const listed = (found: readonly HostNic[], json: boolean): NicsAnswer =>
  printed(json ? `${JSON.stringify({ nics: found.map(nicJson) }, undefined, 2)}\n` : nicTable(found));

const printed = (stdout: string): NicsAnswer => ({ stdout, stderr: "", exitCode: 0 });
const failed = (why: string): NicsAnswer => ({
  stdout: "",
  stderr: `multi-nicd nics: ${why}\n`,
  exitCode: 1,
});
const wrong = (why: string): NicsAnswer => ({
  stdout: "",
  stderr: `multi-nicd nics: ${why}\nTry multi-nicd nics --help.\n`,
  exitCode: 64,
});
