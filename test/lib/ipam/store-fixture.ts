import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Store } from "../../../lib/ipam/store.ts";
import { openStore } from "../../../lib/ipam/store.ts";

/** A folder that is gone when the test is over: on a tmpfs, as the state folder of a node is. */
export function testFolder(): string {
  const memory = "/dev/shm";
  const folder = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), "multi-nic-cni-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function testStore(folder: string = testFolder()): Store {
  const store = openStore({ database: join(folder, "state.db") });
  onTestFinished(() => store.close());
  return store;
}
