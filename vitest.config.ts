// The test projects: unit (pure, fast), replay and workflow (a real Temporal server), lab (the whole embedded world).
import { defineConfig } from 'vitest/config';

const server = { pool: 'forks' as const, testTimeout: 60_000, hookTimeout: 120_000 };
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 60_000 } },
      { test: { name: 'workflow', include: ['test/workflow/**/*.test.ts', 'test/replay/**/*.test.ts'], globalSetup: ['test/support/temporal.ts'], setupFiles: ['test/support/quiet.ts'], ...server } },
      // After the others, which count in seconds. Two labs at once fill two cores; a third one starves them.
      { test: { name: 'lab', include: ['test/lab/**/*.test.ts'], pool: 'forks', sequence: { groupOrder: 1 }, testTimeout: 300_000, hookTimeout: 600_000 } },
    ],
    coverage: { provider: 'v8', include: ['domain/**', 'activities/**', 'client/**', 'iam/**', 'lab/aws/**'], reporter: ['text'] },
  },
});
