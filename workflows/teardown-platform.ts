// Removes a platform (X1): DNS sources go while their controllers live; only a proof in Route 53 lets anything be destroyed. Stages as teardown.md § Order.
import { ParentClosePolicy, sleep, startChild } from '@temporalio/workflow';
import type { Destroying, Inventory, KeptDisk } from '../activities/contract.ts';
import { stillAutomated } from '../domain/applications.ts';
import { ROOT_APPLICATION } from '../domain/components.ts';
import { type Decided, subjectOf } from '../domain/break-glass.ts';
import { permitLine } from '../domain/dns-gate.ts';
import { GoldenpathError } from '../domain/errors.ts';
import { externalDnsProblems, whyNoExternalDns } from '../domain/external-dns.ts';
import type { Plan } from '../domain/plan.ts';
import type { Protection } from '../domain/protections.ts';
import { explained, recordResidue, type RunReport } from '../domain/report.ts';
import { afterMending, beginProblems, controllerApplications, isInMotion, neverExisted, workloadApplications, workloadTiers } from '../domain/teardown.ts';
import { residueOf } from '../domain/what-to-do.ts';
import { closedGate, type Gate } from './dns-gate.ts';
import { NeedsDecision } from './failures.ts';
import { LATE_SWEEP, type TeardownInput } from './messages.ts';
import { type Kubernetes, openKubernetes } from './kubernetes-gone.ts';
import { type Policies, policies } from './policies.ts';
import { openProtections, protectionEvidence, type Protections } from './protections.ts';
import { closeRun, type Note, openRun, recordFailure, type Run } from './run.ts';

/** Tears the plan's platform down from live state. Ends with the report, or fails with an ApplicationFailure whose first detail is the report. */
export async function teardownPlatform({ plan, request, interrupted }: TeardownInput): Promise<RunReport> {
  const run = openRun(plan, request);
  if (interrupted !== undefined) run.takeOver(interrupted);
  const call = policies(plan.timings);
  const protections = openProtections(plan, call);
  const gate = closedGate(plan, call, { record: run.record, protections });
  const kubernetes = openKubernetes(plan);
  const prove = async (why: string): Promise<Destroying> => ({ target: plan.target, permit: await gate.prove(why), breakGlass: plan.breakGlass, registry: plan.registry, planHash: plan.hash, proofMaxAgeMs: plan.timings.proofMaxAgeMs, cleanListings: plan.timings.dnsGate.cleanListings });
  const decide = (decided: Decided) => { for (const part of [gate, protections, kubernetes]) part.decide(decided); };
  try {
    const platform = await run.stage('inventory', { act: (note) => takeInventory(run, plan, { protections, kubernetes }, call, note), decide });
    gate.knows(run.report.ledger);
    const now = () => kubernetes.seen(platform);
    await run.stage('drain-precheck', { act: (note) => kubernetes.needed(note, undefined, () => proveExternalDns(plan, now(), gate, call, note)), decide });
    await run.stage('freeze-gitops', { act: (note) => kubernetes.needed(note, undefined, async () => { await freeze(plan, now(), call, note); await frozen(plan, now(), call); }), decide });
    await run.stage('workloads', { act: (note) => kubernetes.needed(note, undefined, () => removeWorkloads(plan, now(), call, note)), decide });
    await run.stage('dns-sources', { act: (note) => kubernetes.needed(note, undefined, () => removeSources(plan, now(), call, note)), decide });
    gate.open(Date.now());
    await run.stage('load-balancers', { act: (note) => loadBalancersGone(plan, now(), call, note) });
    await run.stage('dns-gate', { act: async (note) => { await revokeExternalDns(plan, kubernetes, call, note); const { permit } = await prove('DNS gate'); note(...gate.deeds(), permitLine(permit)); }, decide });
    const kept = await run.stage('volumes', { act: (note) => kubernetes.needed(note, [], async () => removeVolumes(await prove('Before volumes'), run, plan, now(), call, note)), decide });
    await run.stage('controllers', { act: (note) => kubernetes.needed(note, undefined, () => removeControllers(prove, plan, now(), call, note)), decide });
    await run.stage('final-proof', { act: async (note) => { await revokeExternalDns(plan, kubernetes, call, note); await networkGone(prove, plan, now(), call, note); const { permit } = await prove('Final proof'); note(...gate.deeds(), permitLine(permit)); }, decide });
    await run.stage('destroy', { act: (note) => destroy(prove, plan, platform, call, note), decide });
    await run.stage('sweep', { act: (note) => sweep(run, plan, platform, { gate, kept }, call, note) });
    const report = await closeRun(run, plan);
    if (plan.timings.lateSweepsMs.length > 0) await startChild(LATE_SWEEP, { workflowId: `${plan.target.workflowId}/late-sweep/${report.runId}`, args: [{ plan, report }], parentClosePolicy: ParentClosePolicy.ABANDON, staticSummary: `Late sweeps of ${plan.target.cluster}` });
    return report;
  } catch (error) {
    return await recordFailure(run, plan, error);
  }
}

/** Steps 1–2: what there is, and the protections in the way, before anything is drained. Whatever people let it lift, it reads anew. */
async function takeInventory(run: Run, plan: Plan, { protections, kubernetes }: { protections: Protections; kubernetes: Kubernetes }, call: Policies, note: Note): Promise<Inventory> {
  let { platform, found } = await readPlatform(run, plan, kubernetes, call, note);
  while (await protections.lift(found, { withoutKubernetes: kubernetes.isGivenUp(), inTheWayOf: 'the teardown; nothing was drained', note })) ({ platform, found } = await readPlatform(run, plan, kubernetes, call, note));
  const { cluster, applications, objects } = platform;
  note(cluster === null ? 'there is no cluster' : `cluster is ${cluster.status}, ${cluster.nodeGroups.length} node groups, ${applications.length} applications`, `${objects.length} objects carry its tag`);
  note(...protectionEvidence(found));
  return platform;
}

async function readPlatform(run: Run, plan: Plan, kubernetes: Kubernetes, call: Policies, note: Note): Promise<{ platform: Inventory; found: Protection[] }> {
  const { probe, zone } = call;
  const { target, registry, breakGlass: policy } = plan;
  const [platform, memory, dns, ofRecords] = await Promise.all([
    settledInventory(plan, kubernetes, call, note),
    probe.readRegistry('Read the receipts of earlier runs and the recorded zone', { target, registry, policy }),
    zone.readZone('Read the hosted zone', { target }),
    zone.listRecordProtections('Read the record set protections', { target }),
  ]);
  run.own([...memory.ledger, ...platform.objects]);
  const problems = beginProblems(plan, { ...memory, platform, zone: dns.zone });
  if (problems.length > 0) throw new GoldenpathError('PreflightFailed', `The teardown cannot begin; ${afterMending(target)}`, problems);
  // A bootstrap that was taken over at its very beginning is a trace too.
  const unknown = run.report.interrupted === undefined ? neverExisted(target, { ...platform, records: dns.recordsInScope, ...memory }) : undefined;
  if (unknown !== undefined) throw new GoldenpathError('InvalidInput', 'There is nothing to tear down', [unknown]);
  return { platform, found: [...platform.protections, ...ofRecords] };
}

/** EKS deletes no cluster that it creates or updates just now, and what hangs on one is not all there yet: that is waited for, then all is read anew. */
async function settledInventory({ target, timings }: Plan, kubernetes: Kubernetes, { probe, firstLook, until }: Policies, note: Note): Promise<Inventory> {
  if (kubernetes.isGivenUp()) return probe.readInventory('Read what AWS knows of the platform', { target, withoutKubernetes: true });
  const found = await kubernetes.needed(note, null, () => firstLook.readInventory('Read what the platform owns', { target }));
  if (found === null) throw new TypeError('the Kubernetes API was given up while it was asked');
  if (found.cluster === null || !isInMotion(found.cluster.status)) return found;
  const wait = { ...timings.cluster, expectedMs: 0 }; // nobody here knows when it began
  note(`cluster was ${found.cluster.status}`);
  await until(wait).probeClusterSettled(`Wait until EKS has done with the cluster, which is ${found.cluster.status}`, { target, startedAt: Date.now(), wait });
  return firstLook.readInventory('Read what the platform owns now', { target });
}

/** Failure 13: sources are drained only where ExternalDNS is seen able to delete what they left. A platform without sources and records needs none. */
async function proveExternalDns(plan: Plan, platform: Inventory, gate: Gate, { probe }: Policies, note: Note): Promise<void> {
  const { target } = plan;
  const { owned } = await gate.list('Records of the platform before the drain');
  note(`Route 53 holds ${owned.length} records of the platform`);
  const sources = platform.kubernetes === 'answers' ? await probe.listDnsSources('DNS sources before the drain', { target }) : [];
  const needless = whyNoExternalDns({ records: owned.length, sources: sources.length, enabled: plan.externalDns.enabled, kubernetes: platform.kubernetes });
  if (needless !== undefined) { note(needless); return; }
  const { state, expectedRoleArn, roleProblems } = await probe.readExternalDns('Policy, owner, filter and role of ExternalDNS', { target });
  const problems = [...externalDnsProblems(state, target, expectedRoleArn), ...roleProblems];
  const decided = gate.covers(owned);
  if (problems.length > 0 && decided !== undefined) {
    note(...problems, `ExternalDNS will not delete the ${owned.length} records; decided: ${decided.decision}, by ${decided.approvals.map(({ claims }) => claims.approver).join(' and ')}`);
    return;
  }
  const ended = problems.length > 0 ? await gate.endDecision() : undefined;
  const since = ended === undefined ? '' : `decision ${ended} is void, because the records are not those it was given for; `;
  if (problems.length > 0 && owned.length > 0) throw new NeedsDecision('PreflightFailed', `ExternalDNS cannot be relied on to delete the records; nothing was drained; ${since}${afterMending(target)}`, problems, { decisions: ['repair', 'leave', 'abort'], subject: subjectOf(owned), records: owned });
  if (problems.length > 0) throw new GoldenpathError('PreflightFailed', `ExternalDNS cannot be relied on to delete the records; nothing was drained; ${afterMending(target)}`, problems);
  note(`ExternalDNS is available with policy sync, owner ${target.ownerId}, filter ${target.hostSuffix}, role ${expectedRoleArn}`);
}

/** Step 3, failure 1. */
async function freeze({ target }: Plan, { argocd }: Inventory, { change }: Policies, note: Note): Promise<void> {
  if (argocd) note(...(await change.freezeGitOps('Root application first, then its children', { target })));
  else note('Argo CD is not installed');
}

async function frozen({ target }: Plan, { argocd }: Inventory, { probe }: Policies): Promise<void> {
  const automated = argocd ? stillAutomated(await probe.readApplications('No application syncs by itself', { target })) : [];
  if (automated.length > 0) throw new GoldenpathError('PreflightFailed', 'Applications still sync by themselves and would recreate what is removed', automated);
}

/** Step 4. */
async function removeWorkloads({ target, timings }: Plan, { argocd }: Inventory, { probe, change, watch }: Policies, note: Note): Promise<void> {
  const applications = argocd ? await probe.readApplications('Applications there are now', { target }) : [];
  const tiers = workloadTiers(applications);
  if (tiers.length === 0) note('no application above tier 1');
  for (const { tier, names } of tiers) {
    note(...(await change.deleteApplications(`Delete tier ${tier}: ${names.join(', ')}`, { target, names })));
    note(...(await watch(timings.drain).awaitApplicationsGone(`Wait for tier ${tier} and its objects to go`, { target, names })));
  }
}

/** Step 5: while the load balancer controller and ExternalDNS live (failures 11, 12). */
async function removeSources({ target, timings }: Plan, { kubernetes }: Inventory, { change, watch }: Policies, note: Note): Promise<void> {
  if (kubernetes === 'none') { note('there is no Kubernetes API'); return; }
  note(...(await change.deleteDnsSources('Delete Ingresses, LoadBalancer Services, Gateways, DNSEndpoints', { target })));
  note(...(await watch(timings.drain).awaitDnsSourcesGone('Wait until no source is left and none comes back', { target })));
}

/** Step 6. Without its API no controller removes them: then the DNS gate comes first, and its proof lets them be removed through AWS (failure 20). */
async function loadBalancersGone({ target, timings }: Plan, { kubernetes }: Inventory, { until }: Policies, note: Note): Promise<void> {
  if (kubernetes === 'none') { note('there is no Kubernetes API: load balancers are removed through AWS, once the DNS gate lets it'); return; }
  await until(timings.loadBalancersGone).probeLoadBalancersGone('No load balancer and no target group of the cluster', { target, startedAt: Date.now(), wait: timings.loadBalancersGone });
  note('ELBv2 has no load balancer and no target group of the cluster');
}

/** Steps 7 and 10, without the API, which may be given up after the gate too: an ExternalDNS that nobody can remove goes on from memory, and would write again what a repair deletes. */
async function revokeExternalDns({ target, breakGlass, registry, hash }: Plan, kubernetes: Kubernetes, { change }: Policies, note: Note): Promise<void> {
  const given = kubernetes.givenUp();
  if (given === undefined) return;
  note(...(await change.revokeExternalDns('Take the role of ExternalDNS its permissions', { target, request: given.request, approvals: given.approvals, breakGlass, registry, planHash: hash })));
}

/** Step 8: while the CSI driver lives (failure 10). Gives the disks that are kept on purpose: the sweep names those that are still there. */
async function removeVolumes(permit: Destroying, run: Run, { target, timings }: Plan, { kubernetes }: Inventory, { destroy: call, until }: Policies, note: Note): Promise<KeptDisk[]> {
  // Without its API nothing takes a volume away any more: what is left is for the sweep to name, not to be waited for.
  if (kubernetes === 'none') { note('there is no Kubernetes API: volumes that are left are residue'); return []; }
  const { done, kept } = await call.deleteVolumes('Delete claims and their volumes', permit);
  note(...done);
  run.own(kept.map(({ kind, id, name }) => ({ kind, id, name })));
  // A run that fails before its sweep leaves these in its receipt: `orphans` must not take for lost what is kept on purpose.
  run.report.residue = kept.map(({ why, ...disk }) => residueOf(disk, why));
  const wait = timings.volumesGone;
  await until(wait).probeVolumesGone('No EBS volume of the cluster but those that are kept', { target, startedAt: Date.now(), wait, kept: kept.map(({ id }) => id) });
  return kept;
}

/** Step 9: applications before Argo CD (failure 3). */
async function removeControllers(prove: (why: string) => Promise<Destroying>, { target, timings, versions }: Plan, { argocd }: Inventory, { probe, destroy: call, watch }: Policies, note: Note): Promise<void> {
  if (!argocd) { note('no Argo CD is there to remove'); return; }
  // Read anew: an operator's retry comes minutes or hours after the inventory.
  const applications = await probe.readApplications('Applications there are now', { target });
  const names = [...workloadApplications(applications), ...controllerApplications(applications)];
  note(...(await call.deleteControllers(`Delete ${names.filter((name) => name !== ROOT_APPLICATION).join(', ')} and the root application`, { ...(await prove('Before controllers')), names })));
  note(...(await watch(timings.controllersGone).awaitApplicationsGone('Wait for the controllers to go', { target, names })));
  // Controllers may take longer to go than a proof stays fresh.
  note(...(await call.removeArgoCd('Remove Argo CD', { ...(await prove('Before Argo CD')), manifest: versions.manifests.argocd })));
}

/** Step 10. Security groups that no controller takes away any more go with the left-overs, after the cluster. */
async function networkGone(prove: (why: string) => Promise<Destroying>, { target, timings }: Plan, { kubernetes }: Inventory, { destroy: call, until }: Policies, note: Note): Promise<void> {
  if (kubernetes === 'none') {
    const wait = timings.loadBalancersGone;
    const giveUpAt = Date.now() + wait.deadlineMs;
    for (;;) {
      const { deleted, refused } = await call.deleteLoadBalancers('Delete load balancers and target groups through AWS', await prove('Before load balancers'));
      note(...deleted);
      if (!refused.some(({ passing }) => passing) || Date.now() >= giveUpAt) break; // a target group is in use until its load balancer is gone
      await sleep(wait.denseMs, { summary: 'Target groups are still in use' });
    }
    await until(wait).probeLoadBalancersGone('No load balancer and no target group of the cluster', { target, startedAt: Date.now(), wait });
    note('ELBv2 has no load balancer and no target group of the cluster');
    return;
  }
  await until(timings.networkGone).probeNetworkGone('No network interface of a load balancer, no security group of one', { target, startedAt: Date.now(), wait: timings.networkGone });
}

/** Step 12: whatever a service still knows of the platform, and whatever Route 53 still lists (X4). */
async function sweep(run: Run, { target, timings }: Plan, { cluster }: Inventory, { gate, kept }: { gate: Gate; kept: KeptDisk[] }, { until }: Policies, note: Note): Promise<void> {
  const [left, { owned }] = await Promise.all([
    until(timings.sweep).sweep('Sweep every service by ownership tag', { target, ledger: run.report.ledger, oidcIssuer: cluster?.oidcIssuer }),
    gate.list('Records of the platform after the end'),
  ]);
  run.report.residue = [...explained(left, kept), ...recordResidue(owned, target, gate.covers(owned)?.request)];
  note(...gate.deeds(), run.report.residue.length === 0 ? 'nothing is left' : `${run.report.residue.length} objects are left`);
}

/** Step 11, each destroying call on a fresh proof: nodes, then the cluster, then what it needed to live (failures 26, 28, 30). */
async function destroy(prove: (why: string) => Promise<Destroying>, { target, timings }: Plan, { cluster }: Inventory, { destroy: call, until }: Policies, note: Note): Promise<void> {
  note(...(await call.startDeleteNodeGroups('Delete node groups and Fargate profiles', await prove('Before nodes'))));
  await until(timings.nodeGroupGone).probeNodeGroupsGone('Wait for the nodes to go', { target, startedAt: Date.now(), wait: timings.nodeGroupGone });
  note(...(await call.startDeleteCluster('Delete the cluster', await prove('Before the cluster'))));
  await until(timings.clusterGone).probeClusterGone('Wait for the control plane to go', { target, startedAt: Date.now(), wait: timings.clusterGone });
  const permit = await prove('Before roles and log groups');
  const [identity, leftovers] = await Promise.all([
    call.deleteIdentity('Delete roles, policies and the OIDC provider', { ...permit, oidcIssuer: cluster?.oidcIssuer }),
    call.deleteLeftovers('Delete log groups, left-over interfaces and security groups', permit),
  ]);
  note(...identity, ...leftovers);
}
