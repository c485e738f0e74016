import { readFileSync } from "node:fs";
import * as z from "zod/mini";
import { CniError, ErrorCode } from "../cni/error.ts";
import { count, parseConf } from "../cni/netconf.ts";
import type { StatePaths } from "../linux/paths.ts";
import { networkFile } from "../linux/paths.ts";

/** What is a node's own in a network: <state>/networks/<network>.json. A function, since most networks have none. */
const NodeFile = () =>
  z.looseObject({
    hostIndex: count,
    /** Which block each NIC has. */
    masters: z.optional(z.array(z.looseObject({ name: z.string(), interfaceIndex: count }))),
  });
export type NodeFile = z.infer<ReturnType<typeof NodeFile>>;

/** What each was read from: others wait while it is compared, and to parse it again takes ten times as long. */
const texts = new WeakMap<NodeFile, string>();

/**
 * The node file of the network; undefined where there is none. Throws CniError io when it cannot be read, and
 * invalidConfig when it is not what it should be, naming the file.
 */
export function readNodeFile(paths: StatePaths, network: string): NodeFile | undefined {
  const path = networkFile(paths, network);
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    const details = cause instanceof Error ? cause.message : String(cause);
    throw broken(path, "is not JSON", { details, cause });
  }
  const file = parseConf(NodeFile(), json, `node file "${path}"`);
  checkMasters(path, file);
  texts.set(file, text);
  return file;
}

/**
 * For within the transaction that takes addresses by the node file. Where multi-nicd gives the host other blocks, it counts
 * attachments and writes the file within a transaction too: so it counts this one, or this one sees what it wrote.
 * @param before what readNodeFile gave
 * @throws CniError tryAgainLater where the file is another since, io where it cannot be read
 */
export function requireSameNodeFile(paths: StatePaths, network: string, before: NodeFile | undefined): void {
  const path = networkFile(paths, network);
  if (readIfThere(path) === (before && texts.get(before))) return;
  throw new CniError(
    ErrorCode.tryAgainLater,
    `node file "${path}" has changed while ADD was at work, and nothing was attached by what it said before; try again`,
  );
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    // ENOTDIR: the state folder itself is a file. The store, which has to be there, says more about that.
    if ("code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR")) return undefined;
    throw new CniError(
      ErrorCode.io,
      `node file "${path}" cannot be read; make it a readable file, or remove it`,
      {
        details: cause.message,
        cause,
      },
    );
  }
}

/** Two NICs with one index would hand out the addresses of one block on two links. */
function checkMasters(path: string, { masters = [] }: NodeFile): void {
  for (const [at, { name, interfaceIndex }] of masters.entries()) {
    const other = masters
      .slice(0, at)
      .find((each) => each.name === name || each.interfaceIndex === interfaceIndex);
    if (other === undefined) continue;
    throw broken(
      path,
      `gives masters "${other.name}" (interfaceIndex ${other.interfaceIndex}) and "${name}" (${interfaceIndex})`,
    );
  }
}

function broken(path: string, what: string, options?: { details: string; cause: unknown }): CniError {
  return new CniError(
    ErrorCode.invalidConfig,
    `node file "${path}" ${what}; write {"hostIndex": 0, "masters": [{"name": "eth1", "interfaceIndex": 0}]}, ` +
      "each name and index once, with the numbers of this node",
    options,
  );
}
