import { readFileSync } from "node:fs";
import { CniError, ErrorCode } from "../../cni/error.ts";
import type { Location } from "../policy/distance.ts";

/** Where NCCL too looks for it: NVIDIA's image for virtual machines writes it, as a hypervisor shows a flat bus. */
export const virtualTopologyFile = "/var/run/nvidia-topologyd/virtualTopology.xml";

/**
 * Where devices really are, by PCI address, in a virtual machine that has NVIDIA's topology file; empty without it.
 * @throws CniError io for a file that cannot be read, or is no such file
 */
export function readVirtualTopology(path: string): ReadonlyMap<string, Location> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw broken(path, "cannot be read", cause);
  }
  return locationsIn(path, text);
}

/**
 * `<cpu numaid="0"><pci busid="…"><pci busid="…"/></pci></cpu>`: what is within what is behind it. Other elements are
 * passed over. No parser of all XML: NCCL, whose format it is, takes elements and attributes alone too.
 */
function locationsIn(path: string, text: string): ReadonlyMap<string, Location> {
  const found = new Map<string, Location>();
  const open: { readonly tag: string; readonly name: string; readonly numaNode: number | undefined }[] = [];
  const elements = text.replace(/<!--[\s\S]*?-->/g, "").matchAll(/<(\/?)([A-Za-z][\w.-]*)([^<>]*?)(\/?)>/g);
  for (const [, closing, tag = "", attributes = "", empty] of elements) {
    if (closing) {
      if (open.pop()?.tag !== tag) throw broken(path, `has a </${tag}> too many`);
      continue;
    }
    const of = (key: string) => new RegExp(`(?:^|\\s)${key}="([^"]*)"`).exec(attributes)?.[1];
    const numa = Number(of("numaid") ?? Number.NaN);
    const numaNode = tag === "cpu" && Number.isInteger(numa) ? numa : open.at(-1)?.numaNode;
    const name = tag === "pci" ? (of("busid") ?? "").toLowerCase() : `${tag} ${of("numaid") ?? ""}`.trim();
    open.push({ tag, name, numaNode });
    if (tag === "pci" && name !== "") found.set(name, locationOf(open));
    if (empty) open.pop();
  }
  const [unclosed] = open;
  if (unclosed !== undefined) throw broken(path, `has a <${unclosed.tag}> that is not closed`);
  if (found.size === 0) throw broken(path, "names no PCI device");
  return found;
}

function locationOf(open: readonly { tag: string; name: string; numaNode: number | undefined }[]): Location {
  const path = open.filter(({ tag }) => tag === "pci" || tag === "cpu").map(({ name }) => name);
  const numaNode = open.at(-1)?.numaNode;
  return numaNode === undefined || numaNode < 0 ? { path } : { path, numaNode };
}

const broken = (path: string, what: string, cause?: unknown): CniError =>
  new CniError(
    ErrorCode.io,
    `topology file "${path}" ${what}; have NVIDIA's topologyd write it anew, or remove it`,
    {
      cause,
    },
  );
