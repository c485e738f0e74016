import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { answerBytes, mostRequest, readRequest } from "../../daemon/protocol.ts";

const framed = (payload: Buffer, magic = "MNC1") => {
  const header = Buffer.alloc(8);
  header.write(magic, "latin1");
  header.writeUInt32LE(payload.length, 4);
  return Buffer.concat([header, payload]);
};
const payload = (texts: readonly string[], stdin: string) =>
  Buffer.from(`${texts.map((text) => `${text}\0`).join("")}\0${stdin}`);

const text = fc.string({ unit: "grapheme" }).filter((each) => !each.includes("\0"));

describe("a request", () => {
  test("is read as the client wrote it", () => {
    const bytes = framed(
      payload(["multi-nic", "4:1", "4:2", "CNI_COMMAND=ADD", "A=b=c", "EMPTY="], '{"a":1}'),
    );
    expect(readRequest(bytes)).toEqual({
      state: "whole",
      call: {
        plugin: "multi-nic",
        hostNetns: "4:1",
        podNetns: "4:2",
        env: { CNI_COMMAND: "ADD", A: "b=c", EMPTY: "" },
        stdin: '{"a":1}',
      },
    });
  });

  test("may have no pod, no environment and no stdin", () => {
    expect(readRequest(framed(payload(["multi-nic", "4:1", ""], "")))).toMatchObject({
      state: "whole",
      call: { podNetns: "", env: {}, stdin: "" },
    });
  });

  test("takes the first of two variables of one name, as getenv does, and none without a name", () => {
    const bytes = framed(payload(["p", "", "", "A=1", "A=2", "=x", "word", "__proto__=y"], ""));
    const reading = readRequest(bytes);
    expect(reading.state === "whole" && Object.entries(reading.call.env)).toEqual([
      ["A", "1"],
      ["__proto__", "y"],
    ]);
  });

  test("is whole at its last byte, and partial before", () => {
    fc.assert(
      fc.property(
        text,
        fc.array(text.filter((each) => each !== "")),
        text,
        fc.nat(),
        (plugin, env, stdin, cut) => {
          const bytes = framed(payload([plugin, "1:1", "", ...env], stdin));
          expect(readRequest(bytes.subarray(0, cut % bytes.length))).toEqual({ state: "partial" });
          expect(readRequest(bytes)).toMatchObject({ state: "whole", call: { plugin, stdin } });
        },
      ),
    );
  });

  const refused: readonly (readonly [title: string, bytes: Buffer, reason: string])[] = [
    ["another version", framed(payload(["p", "", ""], ""), "MNC2"), "not the protocol this daemon speaks"],
    ["another protocol, by its first byte", Buffer.from("G"), "not the protocol this daemon speaks"],
    ["more than any client sends", framed(Buffer.alloc(mostRequest)), "too large"],
    [
      "bytes behind its end",
      Buffer.concat([framed(payload(["p", "", ""], "")), Buffer.of(0)]),
      "more than one request",
    ],
    ["no end of its environment", framed(Buffer.from("p\0\0\0A=1\0")), "malformed"],
    ["fewer texts than it must have", framed(Buffer.from("p\0")), "malformed"],
    ["nothing in it", framed(Buffer.alloc(0)), "malformed"],
  ];
  test.each(refused)("is refused for %s", (_title, bytes, reason) => {
    expect(readRequest(bytes)).toEqual({ state: "refused", reason });
  });

  test("of any bytes is partial, refused or whole, and nothing is thrown", () => {
    const start = fc.constantFrom(Buffer.from("MNC1"), Buffer.alloc(0));
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 300 }), (magic, bytes) => {
        expect(["partial", "refused", "whole"]).toContain(readRequest(Buffer.concat([magic, bytes])).state);
        expect(["refused", "whole"]).toContain(readRequest(framed(Buffer.from(bytes))).state);
      }),
      { numRuns: 2000 },
    );
  });
});

test("an answer has its exit code, its sizes in bytes and its texts", () => {
  const bytes = answerBytes({ exitCode: 1, stdout: "ü", stderr: "e" });
  expect([...bytes]).toEqual([1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0xc3, 0xbc, 0x65]);
});
