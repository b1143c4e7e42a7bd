// Destroys an environment's database instance (R4; failure 33): two people, a snapshot, protection off last. It runs under the instance's own workflow id: no apply of it can begin meanwhile.
import type { Decided } from '../domain/break-glass.ts';
import { goneWait, snapshotsOf, snapshotWait } from '../domain/database-destroy.ts';
import { GoldenpathError } from '../domain/errors.ts';
import type { RunReport } from '../domain/report.ts';
import { NeedsDecision } from './failures.ts';
import type { TeardownInput } from './messages.ts';
import { policies } from './policies.ts';
import { closeRun, openRun, recordFailure } from './run.ts';

/** Ends with the report, or fails with an ApplicationFailure whose first detail is the report. Secrets, subnet group and security group stay: another instance uses them. */
export async function databaseDestroy({ plan, request: asked }: TeardownInput): Promise<RunReport> {
  const run = openRun(plan, asked);
  const { target: { environment, cluster: identifier }, timings: { scale } } = plan;
  const { databaseLook, databaseChange, databaseUntil, databaseDestroy: destroy } = policies(plan.timings);
  const snapshots = snapshotsOf(identifier, run.report.runId);
  const [taking, going] = [snapshotWait(scale), goneWait(scale)];
  let standing: Decided | undefined;
  const decide = (decided: Decided) => { if (decided.decision === 'destroy') standing = decided; };

  try {
    await run.stage('approval', {
      act: async (note) => {
        const doomed = await databaseLook.readDoomed('Read what would be lost', { environment, identifier, snapshots });
        if (doomed === null) throw new GoldenpathError('PreflightFailed', `RDS has no instance ${identifier}, or deletes it already`, [`nothing to destroy: ${identifier}`]);
        if (standing === undefined) throw new NeedsDecision('PreflightFailed', `Nothing was changed yet: two people must decide that ${identifier} is destroyed`, doomed.subject, { decisions: ['destroy', 'abort'], subject: doomed.subject, records: [] });
        note(...doomed.subject);
      },
      decide,
    });
    await run.stage('snapshot', {
      act: async (note) => {
        note(...(await databaseChange.snapshotInstance(`Take snapshot ${snapshots.before}`, { environment, identifier, snapshot: snapshots.before })));
        const startedAt = Date.now();
        note(...(await databaseUntil(taking).probeSnapshot(`Wait for snapshot ${snapshots.before}`, { environment, identifier, snapshot: snapshots.before, startedAt, wait: taking })));
      },
    });
    await run.stage('destroy', {
      act: async (note) => {
        if (standing === undefined) throw new TypeError('nobody decided on the destruction');
        const { request, approvals } = standing;
        const { target, breakGlass, registry, hash: planHash } = plan;
        note(...(await destroy.destroyInstance(`Delete ${identifier}`, { target, request, approvals, breakGlass, registry, planHash, snapshots })));
      },
    });
    await run.stage('gone', {
      act: async (note) => {
        const startedAt = Date.now();
        note(...(await databaseUntil(going).probeInstanceGone(`Wait until ${identifier} is gone`, { identifier, startedAt, wait: going })));
        note(...(await databaseUntil(taking).probeSnapshot(`See snapshot ${snapshots.last}`, { environment, identifier, snapshot: snapshots.last, startedAt, wait: taking })));
      },
    });
    return await closeRun(run, plan);
  } catch (error) {
    return await recordFailure(run, plan, error);
  }
}
