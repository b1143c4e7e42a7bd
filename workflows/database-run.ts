// The runner of database runs: each step recorded in the one report, which is the query, the result, and what a failure carries (R1).
import { ApplicationFailure, isCancellation, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import { databaseDetails, type DatabaseReport, type DatabaseStepId, newDatabaseReport } from '../domain/database-report.ts';
import { describe, isOperational } from './failures.ts';
import { databaseReportQuery } from './messages.ts';

export interface DatabaseRun {
  report: DatabaseReport;
  /** Runs a step; what it returns as lines is its evidence. Fails the run where the step fails for good. */
  step(id: DatabaseStepId, act: () => Promise<string[]>): Promise<void>;
  /** The report at the end of a run whose steps are all done. */
  close(): DatabaseReport;
}

/** Opens the run: its query first, before anything is awaited. */
export function openDatabaseRun(of: Pick<DatabaseReport, 'operation' | 'environment' | 'instance' | 'requester'>): DatabaseRun {
  const report = newDatabaseReport({ ...of, runId: workflowInfo().runId, startedAt: Date.now() });
  setHandler(databaseReportQuery, () => report);
  const show = () => { setCurrentDetails(databaseDetails(report)); };
  return {
    report,
    async step(id, act) {
      const entry = report.steps.find((step) => step.id === id);
      if (entry === undefined) throw new TypeError(`a run of ${of.operation} has no step ${id}`);
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
        show();
        if (isCancellation(error)) throw error;
        throw ApplicationFailure.create({ type: entry.error.type, message: entry.error.message, nonRetryable: true, details: [report] });
      }
    },
    close() {
      const open = report.steps.filter(({ status }) => status !== 'done').map(({ id }) => id);
      if (open.length > 0) throw new TypeError(`the run ended without its steps ${open.join(', ')}`);
      Object.assign(report, { state: 'ready', endedAt: Date.now() });
      show();
      return report;
    },
  };
}
