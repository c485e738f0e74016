import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseCommand } from "../../daemon/command-line.ts";
import { root } from "../../scripts/build/project.ts";

/** A setting of deploy/multi-nicd.service, by systemd.kill(5) and systemd.service(5). */
function setting(name: string): string | undefined {
  const unit = readFileSync(join(root, "deploy/multi-nicd.service"), "utf8");
  return new RegExp(`^${name}=(.*)$`, "m").exec(unit)?.[1];
}

test("the unit ends the daemon alone at first: the delegates of calls that are drained have to come to their end", () => {
  expect(setting("KillMode")).toBe("mixed");
});

test("the unit waits longer for the daemon's end than the daemon for calls at work", () => {
  const args = setting("ExecStart")?.split(" multi-nicd")[1]?.trim().split(" ").filter(Boolean);
  const command = parseCommand(args ?? [], {});
  const drain = command.verb === "serve" ? command.drain : Number.NaN;
  expect(Number(setting("TimeoutStopSec")) * 1000).toBeGreaterThanOrEqual(drain + 10_000);
});
