import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { review } from "../../daemon/cluster/review.ts";
import { root } from "../../scripts/build/project.ts";

test("docs/cluster.md shows what multi-nicd plan prints of the file that it shows", () => {
  const text = readFileSync(join(root, "docs/cluster.md"), "utf8");
  const blocks = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, kind, block]) => ({ kind, block }));
  const yaml = blocks.find(({ kind }) => kind === "yaml")?.block ?? "";
  const shown = blocks.find(({ block }) => block?.startsWith("$ multi-nicd plan"))?.block;
  const folder = mkdtempSync(join(tmpdir(), "cluster-doc-"));
  try {
    const file = join(folder, "cluster.yaml");
    writeFileSync(file, yaml);
    let printed = "";
    const exitCode = review({ file, from: file, renumber: false, json: false }, (line) => {
      printed += line;
    });
    expect(exitCode).toBe(0);
    expect(`$ multi-nicd plan cluster.yaml\n${printed}`).toBe(shown);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
