import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../../plugins/main.ts", import.meta.url));

/** A folder like dist/linux-x64, whose multi-nic is a bash script; in it `$real` is that of this tree, not built. */
export function makeBin(script = "exec $real"): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "mnc-bin-"));
  const multiNic = join(path, "multi-nic");
  writeFileSync(multiNic, `#!/bin/bash\nreal="${process.execPath} ${main} multi-nic"\n${script}\n`);
  chmodSync(multiNic, 0o755);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}
