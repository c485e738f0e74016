import { jsonOf } from "../cni-files.ts";
import { at, listAt, type Manifest, ofKind, podsOf, textAt } from "./manifest.ts";

/** A pool of the SR-IOV device plugin: an entry of resourceList. */
export interface DevicePool {
  readonly manifest: Manifest;
  readonly key: string;
  /** <prefix>/<name>, as a pod requests it */
  readonly resource: string;
  /** Whether the prefix is written down: in the entry, or as an argument of the device plugin's DaemonSet */
  readonly hasPrefix: boolean;
  readonly entry: unknown;
}

/** What the device plugin puts before a name where nothing is said (its --resource-prefix). */
export const defaultPrefix = "intel.com";

/** The keys of a ConfigMap whose text is a configuration of the SR-IOV device plugin, with what JSON it is. */
export function pluginConfigs(manifests: readonly Manifest[]) {
  return ofKind(manifests, "ConfigMap").flatMap((manifest) =>
    Object.entries((at(manifest.content, "data") as object | null) ?? {})
      .filter(([key, text]) => key === "config.json" || String(text).includes('"resourceList"'))
      .map(([key, text]) => ({ manifest, key, config: jsonOf(String(text)) })),
  );
}

/** Every pool that the manifests define. */
export function devicePools(manifests: readonly Manifest[]): readonly DevicePool[] {
  const prefix = prefixArgument(manifests);
  return pluginConfigs(manifests).flatMap(({ manifest, key, config }) =>
    listAt(config, "resourceList").map((entry) => {
      const own = textAt(entry, "resourcePrefix") ?? prefix;
      const resource = `${own ?? defaultPrefix}/${textAt(entry, "resourceName") ?? ""}`;
      return { manifest, key, resource, hasPrefix: own !== undefined, entry };
    }),
  );
}

function prefixArgument(manifests: readonly Manifest[]): string | undefined {
  const containers = manifests.flatMap((each) => listAt(podsOf(each)?.spec, "containers"));
  const words = containers.flatMap((each) =>
    [...listAt(each, "command"), ...listAt(each, "args")].map(String),
  );
  const joined = words.find((word) => /^--?resource-prefix=/.test(word))?.split("=")[1];
  const place = words.findIndex((word) => /^--?resource-prefix$/.test(word));
  return joined ?? (place < 0 ? undefined : words[place + 1]);
}

/** A physical function and the VFs of it that a pool takes. */
export interface PfRange {
  readonly pf: string;
  /** undefined: all */
  readonly vfs: ReadonlySet<number> | undefined;
}

/** "enp2s0f0np0#0,2-4", or undefined for a text of another form. */
export function parseRange(text: string): PfRange | undefined {
  const [pf = "", spans, more] = text.split("#");
  if (pf === "" || more !== undefined) return undefined;
  if (spans === undefined) return { pf, vfs: undefined };
  const vfs = new Set<number>();
  for (const span of spans.split(",")) {
    const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(span) ?? [];
    if (first === undefined || Number(last) < Number(first)) return undefined;
    for (let vf = Number(first); vf <= Number(last); vf++) vfs.add(vf);
  }
  return { pf, vfs };
}

/** A pool's selectors, which are one object or a list of them; a function is the pool's where one of them takes it. */
export function selectorsOf({ entry }: Pick<DevicePool, "entry">): readonly unknown[] {
  return [at(entry, "selectors") ?? entry].flat();
}

/** The ranges of a pool's selectors, by the name of the physical function or by its PCI address. */
export function rangesOf(pool: Pick<DevicePool, "entry">): readonly string[] {
  return selectorsOf(pool).flatMap((each) =>
    [...listAt(each, "pfNames"), ...listAt(each, "rootDevices")].map(String),
  );
}
