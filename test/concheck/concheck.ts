import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Row } from "../../concheck/report.ts";
import { bin } from "../live/plugin.ts";

const root = join(import.meta.dirname, "../..");
const built = join(bin, "multi-nic-concheck");

/** The executable under test, where it is built, else the sources. */
export const command: readonly [string, ...string[]] = existsSync(built)
  ? [built]
  : [
      process.execPath,
      "--disable-warning=ExperimentalWarning",
      join(root, "plugins/main.ts"),
      "multi-nic-concheck",
    ];

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function concheck(args: readonly string[], env: Readonly<Record<string, string>> = {}): Ran {
  const [program, ...before] = command;
  return spawnSync(program, [...before, ...args], {
    encoding: "utf8",
    env: { ...process.env, ...env },
    timeout: 100_000,
    maxBuffer: 256 * 1024 * 1024,
  });
}

/** What --json prints. */
export interface Report {
  readonly networks: readonly {
    readonly network: string;
    readonly pods: readonly { readonly name: string; readonly missing?: string }[];
    readonly rows: readonly Row[];
  }[];
  readonly connected: number;
  readonly total: number;
  readonly exitCode: number;
}

export function checked(args: readonly string[], env: Readonly<Record<string, string>> = {}): Report {
  const { status, stdout, stderr } = concheck([...args, "--json", "--quiet"], env);
  if (status !== 0 && status !== 1) throw new Error(`exit code ${status}: ${stderr}`);
  const report = JSON.parse(stdout) as Report;
  if (report.exitCode !== status)
    throw new Error(`it says exit code ${report.exitCode}, and ends with ${status}`);
  return report;
}

/** "a > b 192.168.0.1" for every address that did not answer, sorted; "a > b" for a pod without any. */
export function unconnected({ networks }: Report): string[] {
  return networks
    .flatMap(({ rows }) => rows)
    .flatMap(({ from, to, total, addresses }) =>
      total === 0
        ? [`${from} > ${to}`]
        : addresses.filter(({ connected }) => !connected).map(({ address }) => `${from} > ${to} ${address}`),
    )
    .sort();
}

/** The same with what came in place of the answers, for a test that wants none to be missing. */
export const whyUnconnected = ({ networks }: Report): string[] =>
  networks
    .flatMap(({ rows }) => rows)
    .flatMap(({ from, to, addresses }) =>
      addresses
        .filter(({ connected }) => !connected)
        .map(({ address, tcp, udp }) => `${from} > ${to} ${address} ${JSON.stringify({ tcp, udp })}`),
    );

/** A program's stdout; throws where it fails. */
export const run = (program: string, args: readonly string[]): string =>
  execFileSync(program, args, { encoding: "utf8" });

export interface Running extends AsyncDisposable {
  readonly child: ChildProcess;
  /** When its stderr has the words */
  readonly said: Promise<void>;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

interface Where {
  readonly netns?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts it, and notices when it says some words. It ends with the test. */
export function until(args: readonly string[], words: string, { netns, env = {} }: Where = {}): Running {
  const [program, ...rest] = [
    ...(netns === undefined ? [] : ["ip", "netns", "exec", netns]),
    ...command,
    ...args,
  ];
  const child = spawn(program ?? "", rest, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout?.on("data", (bytes) => {
    stdout += bytes;
  });
  const ended = once(child, "close").then(([code]) => ({ code, stdout, stderr }));
  const said = new Promise<void>((resolve, reject) => {
    child.stderr?.on("data", (bytes) => {
      stderr += bytes;
      if (stderr.includes(words)) resolve();
    });
    ended.then(() => reject(new Error(`it ended, and never said "${words}": ${stderr}`)));
  });
  said.catch(() => {});
  return {
    child,
    said,
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
