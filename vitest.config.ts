import { defineConfig } from "vitest/config";

// The tests run on what tsc wrote: the same files that are installed and that worker threads load.
export default defineConfig({
  test: { include: ["dist/**/*.test.js"], testTimeout: 60_000, maxWorkers: 2 },
});
