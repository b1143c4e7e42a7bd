// The runner of database runs: each step recorded in the one report, which is the query, the result, and what a failure carries; its receipt lies in the registry (R1, O2).
import { ActivityFailure, ApplicationFailure, CancellationScope, isCancellation, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import { databaseDetails, databaseReceiptOf, type DatabaseReport, type DatabaseStep, type DatabaseStepId, newDatabaseReport } from '../domain/database-report.ts';
import type { Plan } from '../domain/plan.ts';
import type { Timings } from '../domain/timings.ts';
import { describe, isOperational } from './failures.ts';
import { databaseReportQuery } from './messages.ts';
import { policies } from './policies.ts';

/** Where the receipt goes, and what bounds the run's calls. */
interface Place {
  registry: Plan['registry'];
  timings: Timings;
}

export interface DatabaseRun {
  report: DatabaseReport;
  /** Runs a step; what it returns as lines is its evidence. Fails the run where the step fails for good. */
  step(id: DatabaseStepId, act: () => Promise<string[]>): Promise<void>;
  /** Leaves the receipt of a run whose steps are all done, and gives the report. */
  close(): Promise<DatabaseReport>;
}

/** Opens the run: its query first, before anything is awaited. */
export function openDatabaseRun(of: Pick<DatabaseReport, 'operation' | 'environment' | 'instance' | 'requester'>, place: Place): DatabaseRun {
  const report = newDatabaseReport({ ...of, runId: workflowInfo().runId, startedAt: Date.now() });
  setHandler(databaseReportQuery, () => report);
  const show = () => { setCurrentDetails(databaseDetails(report)); };
  const run: DatabaseRun = {
    report,
    async step(id, act) {
      const entry = stepOf(report, id);
      Object.assign(entry, { status: 'running', startedAt: Date.now() });
      show();
      try {
        entry.evidence.push(...(await act()));
        Object.assign(entry, { status: 'done', endedAt: Date.now() });
        show();
      } catch (error) {
        if (!isOperational(error) && !isCancellation(error)) throw error; // a bug in workflow code: it fails the task and waits for a fixed worker
        entry.error = describe(error);
        Object.assign(entry, { status: 'failed', endedAt: Date.now() });
        Object.assign(report, { state: 'failed', endedAt: Date.now() });
        if (id !== 'receipt') await leaveReceipt(report, place);
        show();
        if (isCancellation(error)) throw error;
        throw ApplicationFailure.create({ type: entry.error.type, message: entry.error.message, nonRetryable: true, details: [report] });
      }
    },
    async close() {
      const open = report.steps.filter(({ id, status }) => id !== 'receipt' && status !== 'done').map(({ id }) => id);
      if (open.length > 0) throw new TypeError(`the run ended without its steps ${open.join(', ')}`);
      const { databaseChange } = policies(place.timings);
      await run.step('receipt', async () => {
        const receipt = databaseReceiptOf({ ...report, state: 'ready', endedAt: Date.now() });
        const { key } = await databaseChange.writeDatabaseReceipt('Write the receipt', { registry: place.registry, receipt });
        return [`s3://${place.registry.bucket}/${key}`];
      });
      Object.assign(report, { state: 'ready', endedAt: Date.now() });
      show();
      return report;
    },
  };
  return run;
}

function stepOf(report: DatabaseReport, id: DatabaseStepId): DatabaseStep {
  const entry = report.steps.find((step) => step.id === id);
  if (entry === undefined) throw new TypeError(`a run of ${report.operation} has no step ${id}`);
  return entry;
}

/** Leaves the receipt of a run that failed or was cancelled. That it cannot be written is told in the report, beside what failed first. */
async function leaveReceipt(report: DatabaseReport, { registry, timings }: Place): Promise<void> {
  const entry = stepOf(report, 'receipt');
  try {
    const { databaseLastWord } = policies(timings);
    const receipt = databaseReceiptOf(report);
    const { key } = await CancellationScope.nonCancellable(() => databaseLastWord.writeDatabaseReceipt('Write the receipt of the failed run', { registry, receipt }));
    entry.evidence.push(`s3://${registry.bucket}/${key}`);
    entry.status = 'done';
  } catch (unwritten) {
    if (!(unwritten instanceof ActivityFailure)) throw unwritten;
    const { type, message, problems } = describe(unwritten);
    Object.assign(entry, { status: 'failed', error: { type, message: `the receipt could not be written: ${message}`, problems } });
  }
}
