// Sweeps again an hour and a day after a teardown: what comes back late (log groups, interfaces) is found and recorded (teardown.md step 12, failure 30).
import { setCurrentDetails, sleep } from '@temporalio/workflow';
import { currentDetails } from '../domain/details.ts';
import type { Plan } from '../domain/plan.ts';
import { explained, receiptOf, recordResidue, type RunReport } from '../domain/report.ts';
import { policies } from './policies.ts';

/** Runs the plan's late sweeps after the teardown that `report` describes; returns the report with the residue of the last sweep. */
export async function lateSweep({ plan, report }: { plan: Plan; report: RunReport }): Promise<RunReport> {
  const { probe, zone, change } = policies(plan.timings);
  const endedAt = report.endedAt ?? Date.now();
  let current = report;
  for (const [index, afterMs] of plan.timings.lateSweepsMs.entries()) {
    await sleep(Math.max(0, endedAt + afterMs - Date.now()), { summary: `Sweep ${index + 1} of ${plan.timings.lateSweepsMs.length}` });
    const left = await probe.sweep(`Late sweep ${index + 1}`, { target: plan.target, ledger: report.ledger });
    const { owned } = await zone.listZone(`Late sweep ${index + 1}: records of the platform`, { target: plan.target });
    const residue = [...explained(left, report.residue), ...recordResidue(owned, plan.target, undefined)];
    current = { ...report, residue, state: residue.length === 0 ? 'clean' : 'clean-with-residue', endedAt: Date.now() };
    await change.writeReceipt(`Record late sweep ${index + 1}`, { target: plan.target, registry: plan.registry, name: `${report.runId}-sweep-${index + 1}`, receipt: receiptOf(current) });
    setCurrentDetails(currentDetails(current));
  }
  return current;
}
