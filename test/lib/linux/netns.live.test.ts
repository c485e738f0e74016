import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Netns, NetnsError, openNetns, ownNetns } from "../../../lib/linux/netns.ts";
import { readSysctl, SysctlError, writeSysctl } from "../../../lib/linux/sysctl.ts";
import { decodeLink, dumpLinks } from "../../../lib/netlink/message/link.ts";
import { makeNamespace, makeVeth, whyNoNamespaces } from "../../live/namespaces.ts";

const here = () => readlinkSync("/proc/thread-self/ns/net");
const reason = whyNoNamespaces();
if (reason !== undefined) process.stderr.write(`netns.live.test.ts is skipped: it ${reason}\n`);

/** The error of openNetns. Lets go of the namespace if there is one. */
function refusalOf(path: string): NetnsError {
  try {
    openNetns(path)[Symbol.dispose]();
  } catch (error) {
    if (error instanceof NetnsError) return error;
    throw error;
  }
  throw new Error(`${path} was opened`);
}

async function linkNames(netns: Netns): Promise<string[]> {
  const [messages] = await netns.netlink.request([dumpLinks()]);
  return (messages ?? []).map((message) => decodeLink(message).name).sort();
}

describe.skipIf(reason !== undefined)("a network namespace", () => {
  test("is entered, and left again with what was found there", () => {
    using ns = makeNamespace("enter");
    using netns = openNetns(ns.path);
    const before = here();
    const inside = netns.run(here);
    expect(inside).toBe(`net:[${statSync(ns.path).ino}]`);
    expect(here()).toBe(before);
    expect(inside).not.toBe(before);
  });

  test("is left again when what runs in it throws", () => {
    using ns = makeNamespace("throw");
    using netns = openNetns(ns.path);
    const before = here();
    expect(() =>
      netns.run(() => {
        throw new Error("inside");
      }),
    ).toThrow("inside");
    expect(here()).toBe(before);
  });

  test("entered from another comes back to that one", () => {
    using first = makeNamespace("outer");
    using second = makeNamespace("inner");
    using outer = openNetns(first.path);
    using inner = openNetns(second.path);
    const seen = outer.run(() => [inner.run(here), here()]);
    expect(seen).toEqual([second, first].map(({ path }) => `net:[${statSync(path).ino}]`));
  });

  test("takes no asynchronous function", () => {
    using ns = makeNamespace("async");
    using netns = openNetns(ns.path);
    expect(() => netns.run(async () => {})).toThrow(TypeError);
  });

  test("has the same id by every path, and no other namespace has it", () => {
    using ns = makeNamespace("same");
    using other = makeNamespace("other");
    using netns = openNetns(ns.path);
    using again = openNetns(`/proc/self/fd/${netns.fd}`);
    using another = openNetns(other.path);
    const { dev, ino } = statSync(ns.path);
    expect(netns.id).toBe(`${dev}:${ino}`);
    expect(netns.isSame(again)).toBe(true);
    expect(netns.isSame(another)).toBe(false);
  });

  test("has a socket of its own, opened once, which sees its links alone", async () => {
    using a = makeNamespace("a");
    using b = makeNamespace("b");
    makeVeth(a, "left", b, "right");
    using left = openNetns(a.path);
    using right = openNetns(b.path);
    expect(left.netlink).toBe(left.netlink);
    expect(await linkNames(left)).toEqual(["left", "lo"]);
    expect(await linkNames(right)).toEqual(["lo", "right"]);
  });

  test("lives on through its descriptor when its name is gone, so no ADD trips over a vanishing pod", async () => {
    const ns = makeNamespace("gone");
    using netns = openNetns(ns.path);
    ns[Symbol.dispose]();
    expect(await linkNames(netns)).toEqual(["lo"]);
  });

  test("is let go of: no descriptor stays", async () => {
    using ns = makeNamespace("fds");
    // A closed socket's descriptor goes in the loop's next turn, those of the tests before too.
    const count = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return readdirSync("/proc/self/fd").length;
    };
    const before = await count();
    for (let round = 0; round < 5; round++) {
      using netns = openNetns(ns.path);
      await linkNames(netns);
    }
    expect(await count()).toBe(before);
  });

  test("of one's own is there without a path", () => {
    using own = ownNetns();
    expect(own.run(here)).toBe(here());
    expect(own.id.split(":")[1]).toBe(String(statSync("/proc/thread-self/ns/net").ino));
  });
});

describe.skipIf(reason !== undefined)("a path that is no network namespace", () => {
  const folder = mkdtempSync(join(tmpdir(), "netns-"));
  const file = join(folder, "file");
  const fifo = join(folder, "fifo");
  writeFileSync(file, "");
  execFileSync("mkfifo", [fifo]);
  process.on("exit", () => rmSync(folder, { recursive: true }));

  test.each([
    ["an empty path", "", "missing"],
    ["a file that is not there", join(folder, "nothing"), "missing"],
    ["a path through a file", join(file, "net"), "missing"],
    ["a file, as a reboot leaves in /run/netns", file, "not-a-namespace"],
    ["a FIFO, which would block who opens it", fifo, "not-a-namespace"],
    ["a folder", folder, "not-a-namespace"],
    ["a mount namespace", "/proc/self/ns/mnt", "not-a-namespace"],
    ["a process that is gone", "/proc/4194304/ns/net", "missing"],
  ])("%s", (_name, path, expected) => {
    const error = refusalOf(path);
    expect(error.reason).toBe(expected);
    expect(error.message).toContain(`"${path}"`);
  });

  test("may not be entered without CAP_SYS_ADMIN, and the error says so", () => {
    using ns = makeNamespace("denied");
    const script = `
      import { openNetns } from "./lib/linux/netns.ts";
      const netns = openNetns(process.argv[1]);
      process.setuid(65534);
      try { netns.run(() => {}); } catch (error) { console.log(error.reason, error.message); }`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script, ns.path], {
      encoding: "utf8",
    });
    expect(stdout).toBe(
      `denied the network namespace at "${ns.path}" may not be entered: root (CAP_SYS_ADMIN) is needed (EPERM)\n`,
    );
  });
});

describe.skipIf(reason !== undefined)("sysctls", () => {
  test("are written and read in the namespace, of links with dots in their names too", () => {
    using a = makeNamespace("a");
    using b = makeNamespace("b");
    makeVeth(a, "eth0.5", b, "eth0.5");
    using netns = openNetns(a.path);
    using other = openNetns(b.path);
    const key = "net/ipv6/conf/eth0.5/disable_ipv6";
    writeSysctl(netns, key, "1");
    expect(readSysctl(netns, key)).toBe("1");
    expect(readSysctl(other, key)).toBe("0");
  });

  test("that are not there, or refuse the value, say which and why", () => {
    using ns = makeNamespace("sysctl");
    using netns = openNetns(ns.path);
    const attempt = (key: string, value: string) => {
      try {
        return writeSysctl(netns, key, value);
      } catch (error) {
        return error;
      }
    };
    expect(attempt("net/ipv4/conf/nothing/rp_filter", "0")).toMatchObject({
      name: "SysctlError",
      code: "ENOENT",
      message: 'write "0" to sysctl net/ipv4/conf/nothing/rp_filter: ENOENT',
    });
    expect(attempt("net/ipv4/conf/lo/rp_filter", "many")).toMatchObject({ code: "EINVAL" });
    expect(() => readSysctl(netns, "net/ipv4/nothing")).toThrow(SysctlError);
  });

  test.each([
    "kernel/hostname",
    "net",
    "net/ipv4/conf/../../../kernel/hostname",
    "net/ipv4/conf/./rp_filter",
    "net//ipv4",
    "/net/ipv4",
    "net/ipv4/",
    "",
  ])("outside a network namespace are refused: %j", (key) => {
    using own = ownNetns();
    expect(() => writeSysctl(own, key, "0")).toThrow(RangeError);
    expect(() => readSysctl(own, key)).toThrow(RangeError);
  });
});
