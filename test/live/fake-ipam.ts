import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "../../lib/cni/json.ts";

/** One call that the fake was given. */
export interface FakeCall {
  readonly command: string;
  readonly ifname: string;
  readonly conf: JsonObject;
}

/** An IPAM plugin that is a shell script, in a folder for CNI_PATH; it writes down its calls. */
export interface FakeIpam extends Disposable {
  readonly folder: string;
  calls(): readonly FakeCall[];
  /** From now on the file "$0.well" is there, for scripts that look for it. */
  recover(): void;
  /** From now on it is not installed. */
  uninstall(): void;
  /** What it is called in `ipam.type`. */
  readonly type: string;
}

/**
 * `add` is the script of ADD, `others` that of the other verbs: they find CNI_IFNAME and the rest of the environment, and
 * the configuration in $conf.
 */
export function makeFakeIpam(add: string, others = ""): FakeIpam {
  const folder = mkdtempSync(join(tmpdir(), "fake-ipam-"));
  const log = join(folder, "calls");
  writeFileSync(log, "");
  const file = join(folder, "fake-ipam");
  const script = `#!/bin/sh
conf=$(cat)
printf '{"command":"%s","ifname":"%s","conf":%s}\\n' "$CNI_COMMAND" "$CNI_IFNAME" "$conf" >>'${log}'
if [ "$CNI_COMMAND" != ADD ]; then
${others}
exit 0
fi
${add}
`;
  writeFileSync(file, script);
  chmodSync(file, 0o755);
  return {
    folder,
    type: "fake-ipam",
    uninstall: () => rmSync(file),
    recover: () => writeFileSync(`${file}.well`, ""),
    calls: () =>
      readFileSync(log, "utf8")
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as FakeCall),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
