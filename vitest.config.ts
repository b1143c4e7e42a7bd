// The test projects: unit (pure, fast), replay and workflow (a real Temporal server), lab (its parts, activities on them), platform (whole runs), faults (not in `npm test`).
import { totalmem } from 'node:os';
import { defineConfig } from 'vitest/config';

const server = { pool: 'forks' as const, testTimeout: 60_000, hookTimeout: 120_000 };
/** Where there is memory to spare, the labs' Go programs get it: frugal as they are otherwise (lab/frugal.ts), an API server spends half of its time on collecting garbage (measured: 13 s of processor time for a bootstrap, not 25). */
const roomy = totalmem() >= 12 * 2 ** 30 ? { GOGC: '300', GOMEMLIMIT: '1400MiB' } : {};
const lab = { pool: 'forks' as const, testTimeout: 300_000, hookTimeout: 600_000, env: roomy };
/** Each raises whole platforms. One mostly waits (for controllers, for what AWS takes), so that two files at a time, as of all others, are what two cores serve. */
const PLATFORMS = ['failures', 'interrupt', 'lab', 'orphans', 'persistent', 'platform', 'platform-restarts', 'protections', 'refusals'].map((name) => `test/lab/${name}.test.ts`);
/** Not in `npm test`: too long for CI, or more control planes at once than two cores can serve in its time. */
const FAULTS = ['test/lab/faults.test.ts', 'test/lab/two-lifecycles.test.ts'];

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 60_000 } },
      { test: { name: 'workflow', include: ['test/workflow/**/*.test.ts', 'test/replay/**/*.test.ts'], globalSetup: ['test/support/temporal.ts'], setupFiles: ['test/support/quiet.ts'], ...server } },
      { test: { name: 'lab', include: ['test/lab/**/*.test.ts'], exclude: [...PLATFORMS, ...FAULTS], ...lab } },
      { test: { name: 'platform', include: PLATFORMS, ...lab } },
      { test: { name: 'faults', include: FAULTS, fileParallelism: false, ...lab } },
    ],
    coverage: { provider: 'v8', include: ['domain/**', 'activities/**', 'client/**', 'iam/**', 'lab/aws/**'], reporter: ['text'] },
  },
});
