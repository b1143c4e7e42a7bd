// Removes what a platform that is gone left behind (X5, D4). It runs under the platform's own workflow id: Temporal's uniqueness keeps every bootstrap and teardown of it away meanwhile.
import { sleep } from '@temporalio/workflow';
import type { Destroying } from '../activities/contract.ts';
import { type Decided, subjectOf } from '../domain/break-glass.ts';
import { permitLine } from '../domain/dns-gate.ts';
import { ownedLine } from '../domain/dns-records.ts';
import { GoldenpathError } from '../domain/errors.ts';
import { checkZone } from '../domain/foundation.ts';
import { contestOf, isGone, keptVolumes, namedBy } from '../domain/orphans.ts';
import type { Plan } from '../domain/plan.ts';
import { explainResidue, type Refusal, type Removal } from '../domain/removal.ts';
import { recordResidue, type RunReport } from '../domain/report.ts';
import { undecidable } from '../domain/teardown.ts';
import { nextListingMs } from '../domain/timings.ts';
import { closedGate, type Gate } from './dns-gate.ts';
import { NeedsDecision } from './failures.ts';
import { sight } from './find-orphans.ts';
import type { TeardownInput } from './messages.ts';
import { type Policies, policies } from './policies.ts';
import { openProtections } from './protections.ts';
import { closeRun, type Note, openRun, recordFailure, type Run } from './run.ts';

/** Removes the orphans of the plan's platform. Ends with the report, or fails with an ApplicationFailure whose first detail is the report. */
export async function removeOrphans({ plan, request }: TeardownInput): Promise<RunReport> {
  const run = openRun(plan, request);
  const call = policies(plan.timings);
  const protections = openProtections(plan, call);
  const gate = closedGate(plan, call, { record: run.record, protections });
  const decide = (decided: Decided) => { for (const part of [gate, protections]) part.decide(decided); };
  const removal = openRemoval(plan, gate, call);
  try {
    const kept = await run.stage('gone', { act: (note) => takeStock(run, plan, call, note) });
    gate.open(Date.now()); // without a cluster there is no source of records
    await run.stage('dns-gate', { act: (note) => recordsGone(plan, gate, call, note), decide });
    await run.stage('load-balancers', { act: (note) => removal.remove(note, (permit) => call.destroy.deleteLoadBalancers('Delete load balancers, then target groups', permit)), decide });
    await run.stage('nodes', { act: (note) => removal.remove(note, (permit) => call.destroy.deleteOrphanInstances('Terminate nodes without a cluster', permit)), decide });
    await run.stage('network', { act: (note) => removal.remove(note, (permit) => call.destroy.deleteOrphanNetwork('Delete free interfaces, security groups and the log group', permit)), decide });
    await run.stage('volumes', { act: (note) => removal.remove(note, (permit) => call.destroy.deleteOrphanVolumes('Delete volumes', { ...permit, kept })), decide });
    await run.stage('identity', { act: (note) => removal.remove(note, (permit) => call.destroy.deleteOrphanIdentity('Delete roles, profiles, policies and OIDC providers', permit)), decide });
    await run.stage('sweep', { act: (note) => sweep(run, plan, gate, removal.refused, call, note) });
    return await closeRun(run, plan);
  } catch (error) {
    return await recordFailure(run, plan, error);
  }
}

/** The platform is gone by EKS's own word; no run is about to make it, because this one holds its workflow id. Gives the volumes that stay. */
async function takeStock(run: Run, plan: Plan, { survey, probe, zone }: Policies, note: Note): Promise<string[]> {
  const { target, registry } = plan;
  const [[sighting], memory, dns] = await Promise.all([
    survey.readClusters('Ask EKS for the cluster', { clusters: [target.cluster] }),
    probe.readRegistry('Read the receipts of earlier runs and the recorded zone', { target, registry, policy: plan.breakGlass }),
    zone.readZone('Read the hosted zone', { target }),
  ]);
  if (sighting?.exists !== false) throw new GoldenpathError('PreflightFailed', `Cluster ${target.cluster} exists: what is its own is no orphan`, [`remove the platform with goldenpath teardown --env ${target.environment}${target.buildId === null ? '' : ` --build-id ${target.buildId}`}`]);
  const zoneProblems = checkZone(plan, { zone: dns.zone, recordedZoneId: { value: memory.recordedZoneId } }).filter(({ ok }) => !ok);
  const problems = [...zoneProblems.map(({ id, found, fix }) => `${id}: ${found}. Fix: ${fix}`), ...undecidable(memory.policyProblems ?? [])];
  if (problems.length > 0) throw new GoldenpathError('PreflightFailed', 'The removal cannot begin', problems);
  const memories = await survey.readMemories('Read what its last receipt left', { environment: target.environment, registry });
  const kept = keptVolumes(memories.find(({ cluster }) => cluster === target.cluster));
  const left = await probe.sweep('Read what it left', { target, ledger: memory.ledger });
  run.own(left.map(({ kind, id, name }) => ({ kind, id, name })));
  note(`EKS has no cluster ${target.cluster}`, `${left.length} objects are left of it`, ...left.map(({ kind, id }) => `${kind} ${id}${kept.includes(id) ? ': stays, an earlier run told of it as left' : ''}`));
  return kept;
}

/** D4: records are deleted by people's decision only, and only where no living platform and no stranger has part in them. */
async function recordsGone(plan: Plan, gate: Gate, call: Policies, note: Note): Promise<void> {
  const { owned } = await gate.list('Records of the platform');
  note(`Route 53 holds ${owned.length} records of the platform`);
  if (owned.length > 0 && gate.covers(owned) === undefined) {
    await demandUncontested(plan, call);
    await gate.endDecision();
    throw new NeedsDecision('DnsRecordsRemain', `Route 53 holds ${owned.length} record${owned.length === 1 ? '' : 's'} of a platform that is gone; nothing renews or removes them any more`, owned.map(ownedLine), { decisions: ['repair', 'abort'], subject: subjectOf(owned), records: owned });
  }
  const permit = await proveGone(plan, gate, call, 'DNS gate');
  note(...gate.deeds(), permitLine(permit));
}

async function demandUncontested({ target }: Plan, call: Policies): Promise<void> {
  const scope = { environment: target.environment, zone: target.zone };
  const platforms = await call.zoneSurvey.surveyZone('Whose else the records are', { scope, hostedZoneId: target.hostedZoneId, living: [] });
  const records = platforms.find(({ cluster }) => cluster === target.cluster)?.records ?? [];
  const others = [...new Set(records.flatMap((record) => namedBy(record, scope)))].filter((cluster) => cluster !== target.cluster);
  const gone = new Set((await sight(call, others, scope)).filter(isGone).map(({ cluster }) => cluster));
  const problems = records.flatMap((record) => {
    const contest = contestOf(record, target.cluster, scope, (cluster) => cluster === target.cluster || gone.has(cluster));
    return contest === undefined ? [] : [`${record.name} ${record.type}: ${contest.why}`];
  });
  if (problems.length > 0) throw new GoldenpathError('NotOwned', 'Records inside the platform’s scope are not its alone; nothing was removed', problems);
}

/** The gate's proof. Here nobody may leave records behind: removing them is what the run is for; nor is a record offered that is not the platform's alone. */
async function proveGone(plan: Plan, gate: Gate, call: Policies, why: string): Promise<Awaited<ReturnType<Gate['prove']>>> {
  try {
    return await gate.prove(why);
  } catch (error) {
    if (!(error instanceof NeedsDecision)) throw error;
    await demandUncontested(plan, call);
    throw new NeedsDecision(error.type, error.message, error.problems, { ...error.offer, decisions: error.offer.decisions.filter((decision) => decision !== 'leave') });
  }
}

/** Removes kind by kind, each call on a fresh proof. What is refused while something uses it is tried again until the deadline; what is refused for good is left, and nobody waits for what it uses. */
function openRemoval(plan: Plan, gate: Gate, policy: Policies) {
  const { target, breakGlass, registry, hash, timings } = plan;
  const refused: Refusal[] = [];

  async function remove(note: Note, call: (permit: Destroying) => Promise<Removal>): Promise<void> {
    const startedAt = Date.now();
    const deleted = new Set<string>();
    for (;;) {
      const permit = await proveGone(plan, gate, policy, 'Before a removal');
      const done = await call({ target, permit, breakGlass, registry, planHash: hash, proofMaxAgeMs: timings.proofMaxAgeMs, cleanListings: timings.dnsGate.cleanListings });
      for (const line of done.deleted) deleted.add(line);
      const elapsed = Date.now() - startedAt;
      if (done.refused.length === 0 || [...refused, ...done.refused].some(({ passing }) => !passing) || elapsed >= timings.networkGone.deadlineMs) {
        refused.push(...done.refused);
        note(...deleted, ...done.refused.map(({ id, why }) => `refused: ${id}: ${why}`));
        if (deleted.size + done.refused.length === 0) note('there is none');
        return;
      }
      await sleep(nextListingMs(elapsed, false, timings.dnsGate), { summary: `${done.refused.length} are in use still` });
    }
  }

  return { remove, refused };
}

/** Whatever a service still knows of the platform, and whatever Route 53 still lists, each with the reason why it stayed (X4, failure 37). */
async function sweep(run: Run, { target, registry, timings }: Plan, gate: Gate, refused: readonly Refusal[], { until, probe }: Policies, note: Note): Promise<void> {
  const { ledger } = await probe.readRegistry('What the receipts name', { target, registry });
  const [left, { owned }] = await Promise.all([
    until(timings.sweep).sweep('Sweep every service by ownership tag', { target, ledger: [...ledger, ...run.report.ledger] }),
    gate.list('Records of the platform after the end'),
  ]);
  run.report.residue = [...explainResidue(left, refused), ...recordResidue(owned, target, gate.covers(owned)?.request)];
  note(run.report.residue.length === 0 ? 'nothing is left' : `${run.report.residue.length} objects are left`);
}
