// Sweeps again an hour and a day after a teardown: what comes back late (log groups, interfaces) is found and recorded (teardown.md step 12, failure 30).
import { ActivityFailure, ApplicationFailure, isCancellation, setCurrentDetails, sleep } from '@temporalio/workflow';
import { currentDetails } from '../domain/details.ts';
import { addressesIn, NOTHING_KNOWN } from '../domain/dns-records.ts';
import type { Plan } from '../domain/plan.ts';
import { explained, receiptOf, recordResidue, type RunReport } from '../domain/report.ts';
import { describe } from './failures.ts';
import { policies } from './policies.ts';

/**
 * Runs the plan's late sweeps after the teardown that `report` describes; returns the report with the residue of the last sweep. One that fails does not keep
 * the next from being made; in the end the run fails and names it, since nobody then knows what was there.
 */
export async function lateSweep({ plan, report }: { plan: Plan; report: RunReport }): Promise<RunReport> {
  const failed: string[] = [];
  const endedAt = report.endedAt ?? Date.now();
  let current = report;
  for (const [index, afterMs] of plan.timings.lateSweepsMs.entries()) {
    await sleep(Math.max(0, endedAt + afterMs - Date.now()), { summary: `Sweep ${index + 1} of ${plan.timings.lateSweepsMs.length}` });
    try {
      if (await standsAgain(plan)) {
        setCurrentDetails(`${currentDetails(current)}\n\n**No further sweep:** the platform stands again, or a run of it is in flight; what bears its tags is no residue any more.`);
        break;
      }
      current = await sweepOnce(plan, report, index);
    } catch (error) {
      if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
      failed.push(`late sweep ${index + 1}: ${describe(error).message}`);
    }
    setCurrentDetails(failed.length === 0 ? currentDetails(current) : `${currentDetails(current)}\n\n**Not made:** ${failed.join('; ')}`);
  }
  if (failed.length > 0) throw ApplicationFailure.create({ type: 'TerminalState', message: failed.join('; '), nonRetryable: true, details: [current] });
  return current;
}

/** A persistent platform may be raised again under the same name before the last sweep; a build's id serves once. */
async function standsAgain({ target, timings }: Plan): Promise<boolean> {
  if (target.lifecycle === 'ephemeral') return false;
  const { survey } = policies(timings);
  const [{ run } = { run: null }] = await survey.readRuns('Is a run of the platform in flight', { workflowIds: [target.workflowId] });
  const [{ exists } = { exists: false }] = await survey.readClusters('Does the platform stand again', { clusters: [target.cluster] });
  return run !== null || exists;
}

/** One sweep, recorded in a receipt of its own. */
async function sweepOnce({ target, registry, timings }: Plan, report: RunReport, index: number): Promise<RunReport> {
  const { probe, zone, change } = policies(timings);
  const left = await probe.sweep(`Late sweep ${index + 1}`, { target, ledger: report.ledger });
  const { owned } = await zone.listZone(`Late sweep ${index + 1}: records of the platform`, { target, known: { ...NOTHING_KNOWN, addresses: addressesIn(report.ledger) } });
  // A record that people decided to leave keeps that reason: it is nobody's surprise.
  const residue = explained([...left, ...recordResidue(owned, target, undefined)], report.residue);
  const swept: RunReport = { ...report, residue, state: residue.length === 0 ? 'clean' : 'clean-with-residue', endedAt: Date.now() };
  await change.writeReceipt(`Record late sweep ${index + 1}`, { target, registry, name: `${report.runId}-sweep-${index + 1}`, receipt: receiptOf(swept) });
  return swept;
}
