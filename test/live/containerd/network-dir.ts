import { readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, vi } from "vitest";
import type { JsonObject } from "../../../lib/cni/json.ts";
import type { Condition, Cri } from "./cri.ts";

/** The folder that containerd watches for a network configuration. It takes the first in it. */
export interface NetworkDir {
  readonly folder: string;
  /** Puts a file there, by a rename, and waits until containerd has taken its network. */
  use(name: string, conf: JsonObject): Promise<void>;
  /** Empties the folder, and waits until containerd has noticed. */
  clear(): Promise<void>;
  /** The runtime's condition NetworkReady. */
  ready(): Promise<Condition>;
}

export function networkDirOf(folder: string, cri: () => Cri): NetworkDir {
  const ready = async () => {
    const { status } = await cri().status();
    const found = status.conditions.find(({ type }) => type === "NetworkReady");
    if (found === undefined) throw new Error("containerd does not report NetworkReady");
    return found;
  };
  // containerd learns of changes by inotify.
  const soon = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 5_000, interval: 20 });
  return {
    folder,
    ready,
    use: async (name, conf) => {
      const part = join(folder, `${name}.part`);
      writeFileSync(part, JSON.stringify(conf));
      renameSync(part, join(folder, name));
      await soon(async () => expect(await networksOf(cri())).toContain(conf.name));
    },
    clear: async () => {
      for (const name of readdirSync(folder)) rmSync(join(folder, name));
      await soon(async () => expect((await ready()).status).toBe(false));
    },
  };
}

/** Names of the networks that containerd has loaded (go-cni, Config: what Status shows as "cniconfig"). */
async function networksOf(cri: Cri): Promise<readonly string[]> {
  const { info } = await cri.status();
  const { Networks } = JSON.parse(info.cniconfig ?? "{}") as {
    Networks?: readonly { Config: { Name: string } }[];
  };
  return (Networks ?? []).map(({ Config }) => Config.Name);
}
