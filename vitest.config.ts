import { defineConfig } from "vitest/config";

/** scripts/test.sh sums the JSON reports of several runs; each goes to the file it names here. */
const report = process.env.MULTI_NIC_CNI_TEST_REPORT;

export default defineConfig({
  test: {
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.live.test.ts"],
        },
      },
      {
        test: {
          name: "live",
          include: ["test/**/*.live.test.ts"],
          // Live tests share the kernel: one after another. Processes, not threads: a namespace
          // is entered by the main thread.
          pool: "forks",
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
