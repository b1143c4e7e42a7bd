// What a teardown that is started now would remove, in its order, what it would ask and what would stop it; made from live readings alone (X5, item 8). Pure.
import type { ApplicationState } from './applications.ts';
import { type Decision, subjectOf } from './break-glass.ts';
import { type OwnedRecord, ownedLine } from './dns-records.ts';
import type { FoundationReadings } from './foundation.ts';
import type { Plan } from './plan.ts';
import { liftSubject, type Protection } from './protections.ts';
import type { OwnedObject } from './report.ts';
import { teardownStages } from './stages.ts';
import { beginProblems, controllerApplications, type InTheWay, isInMotion, neverExisted, waveOf, workloadApplications } from './teardown.ts';

/** What was read. `sources`, `claims` and the like are empty where there is no Kubernetes API. */
export interface PreviewReadings {
  platform: { cluster: { status: string } | null; argocd: boolean; applications: ApplicationState[]; objects: OwnedObject[]; protections: Protection[]; inTheWay?: InTheWay | undefined };
  /** Where the Kubernetes API ought to answer and does not: what was heard of it, and what people are asked about. */
  kubernetesGone: { problem: string; subject: string[] } | null;
  zone: FoundationReadings['zone'];
  recordedZoneId: string | null;
  /** How the plan's approvers differ from the worker's own. */
  policyProblems?: string[];
  /** Whether a bootstrap claimed the build id, and what receipts name. */
  claimed: boolean;
  ledger: OwnedObject[];
  /** The platform's records, and how many the zone has in all. */
  owned: OwnedRecord[];
  recordCount: number;
  recordProtections: Protection[];
  /** `Ingress ns/name`. */
  sources: string[];
  drain: { managed: Record<string, string[]>; claims: string[]; keptVolumes: string[] };
  foundation: OwnedObject[];
  /** Why ExternalDNS cannot be relied on; empty where it can, or need not be. */
  externalDnsProblems: string[];
}

export interface PreviewObject {
  kind: string;
  /** As its service knows it; the name where that is all there is. */
  id: string;
  name: string;
  note?: string;
  /** What goes with it: the objects of an application. */
  objects?: string[];
}

/** A question that the run would ask, and who could answer. */
export interface NeededApproval {
  decisions: Decision[];
  about: string[];
  approvals: number;
  approvers: string[];
  requester: string;
  signatures: Plan['breakGlass']['signatures'];
}

export interface TeardownPreview {
  schema: 1;
  cluster: string;
  environment: string;
  hostSuffix: string;
  planHash: string;
  readAt: number;
  /** Whether there is anything of the platform now; `absence` says what was looked for where there is not. */
  exists: boolean;
  absence: string | null;
  /** Stages that remove something, in their order. */
  steps: { stage: string; title: string; objects: PreviewObject[] }[];
  protections: Protection[];
  approvals: NeededApproval[];
  kept: PreviewObject[];
  /** What would stop the run, but for protections that approvers may lift. */
  blocks: string[];
}

/** Makes the preview of the plan's teardown. `now` is when the readings were made. */
export function teardownPreview(plan: Plan, readings: PreviewReadings, { requester, now }: { requester: string; now: number }): TeardownPreview {
  const { target } = plan;
  const { platform, kubernetesGone, owned, recordProtections, externalDnsProblems } = readings;
  const protections = [...platform.protections, ...recordProtections];
  const titles = new Map(teardownStages().map(({ id, title }) => [id, title]));
  const steps = Object.entries(objectsByStage(readings)).map(([stage, objects]) => ({ stage, title: titles.get(stage) ?? stage, objects }));
  const isMoving = platform.cluster !== null && isInMotion(platform.cluster.status);
  const exists = platform.cluster !== null || steps.some(({ objects }) => objects.length > 0);
  return {
    schema: 1,
    cluster: target.cluster,
    environment: target.environment,
    hostSuffix: target.hostSuffix,
    planHash: plan.hash,
    readAt: now,
    exists,
    absence: exists ? null : (neverExisted(target, { ...readings, ...platform, records: { value: owned.map(({ name }) => name) } }) ?? 'it is gone: the build id was claimed, or receipts name objects of it, and nothing of it is left'),
    steps,
    protections,
    approvals: neededApprovals(plan, requester, { lift: liftSubject(protections), gone: kubernetesGone?.subject ?? [], records: externalDnsProblems.length > 0 ? subjectOf(owned) : [] }),
    kept: keptObjects(plan, readings),
    // A cluster in motion is waited for.
    blocks: [...beginProblems(plan, { ...readings, platform: { ...platform, cluster: isMoving ? null : platform.cluster } }), ...(kubernetesGone === null ? [] : [`the Kubernetes API does not answer: ${kubernetesGone.problem}`]), ...externalDnsProblems],
  };
}

/** Kinds in the order in which the last stage removes them, or in which they go with what it removes. */
const DESTROYED = ['eks:nodegroup', 'ec2:instance', 'eks:fargateprofile', 'eks:addon', 'eks:cluster', 'iam:role', 'iam:oidc-provider', 'logs:log-group', 'ec2:network-interface', 'ec2:security-group'];
const GOES_WITH: Partial<Record<string, string>> = { 'ec2:instance': 'goes with its node group, and its disk with it', 'eks:addon': 'goes with the cluster' };

function objectsByStage({ platform, sources, owned, drain }: PreviewReadings): Record<string, PreviewObject[]> {
  const { applications, objects, argocd } = platform;
  const workloads = workloadApplications(applications).flatMap((name) => applications.filter((application) => application.name === name)).toSorted((a, b) => waveOf(b) - waveOf(a)).map(({ name }) => name);
  const ofKind = (is: (kind: string) => boolean) => objects.filter(({ kind }) => is(kind)).map((object) => withNote(object, platform.cluster?.status));
  const rank = ({ kind }: PreviewObject) => (DESTROYED.includes(kind) ? DESTROYED.indexOf(kind) : DESTROYED.length);
  return {
    workloads: workloads.map((name) => applicationObject(name, drain.managed)),
    'dns-sources': sources.map((source) => sourceObject(source, workloads.find((name) => drain.managed[name]?.includes(source)))),
    'load-balancers': ofKind(isBalancer),
    'dns-gate': owned.map((record) => ({ kind: 'route53:record', id: `${record.name} ${record.type}`, name: ownedLine(record) })),
    volumes: [
      ...drain.claims.map((claim) => ({ kind: 'PersistentVolumeClaim', id: claim, name: claim })),
      ...ofKind(isVolume).filter(({ id }) => !drain.keptVolumes.some((line) => line.includes(id))),
    ],
    controllers: [...controllerApplications(applications).map((name) => applicationObject(name, drain.managed)), ...(argocd ? [{ kind: 'argocd', id: 'argocd', name: 'Argo CD itself' }] : [])],
    destroy: ofKind((kind) => !isBalancer(kind) && !isVolume(kind)).toSorted((a, b) => rank(a) - rank(b)),
  };
}

function isBalancer(kind: string): boolean {
  return kind.startsWith('elasticloadbalancing:');
}

function isVolume(kind: string): boolean {
  return kind === 'ec2:volume';
}

function withNote(object: OwnedObject, status: string | undefined): PreviewObject {
  const moving = object.kind === 'eks:cluster' && status !== undefined && isInMotion(status);
  const note = moving ? `is ${status} now; that is waited for before anything else` : GOES_WITH[object.kind];
  return note === undefined ? object : { ...object, note };
}

function applicationObject(name: string, managed: Record<string, string[]>): PreviewObject {
  // Its claims are kept from its deletion: they are a step of their own, behind the DNS gate.
  return { kind: 'application', id: name, name, objects: (managed[name] ?? []).filter((object) => !object.startsWith('PersistentVolumeClaim ')) };
}

function sourceObject(source: string, application: string | undefined): PreviewObject {
  const [kind = '', name = source] = source.split(' ');
  return { kind, id: source, name, ...(application === undefined ? {} : { note: `goes with application ${application} already` }) };
}

function neededApprovals({ breakGlass }: Plan, requester: string, { lift, gone, records }: { lift: string[]; gone: string[]; records: string[] }): NeededApproval[] {
  const { approvals, signatures } = breakGlass;
  const approvers = breakGlass.approvers.map(({ name }) => name).filter((name) => name.toLowerCase() !== requester.toLowerCase());
  const questions: { decisions: Decision[]; about: string[] }[] = [{ decisions: ['leave', 'abort'], about: gone }, { decisions: ['lift', 'abort'], about: lift }, { decisions: ['repair', 'leave', 'abort'], about: records }];
  return questions.filter(({ about }) => about.length > 0).map((question) => ({ ...question, approvals, approvers, requester, signatures }));
}

function keptObjects({ target, registry }: Plan, { foundation, drain, owned, recordCount }: PreviewReadings): PreviewObject[] {
  const others = recordCount - owned.length;
  return [
    ...foundation.map((object) => ({ ...object, note: 'foundation of the environment' })),
    ...drain.keptVolumes.map((line) => ({ kind: 'PersistentVolume', id: line, name: line })),
    { kind: 'route53:record', id: `${target.hostedZoneId} others`, name: `${others} other records of zone ${target.zone}` },
    { kind: 's3:objects', id: `s3://${registry.bucket}`, name: 'receipts and audit trail' },
    { kind: 'rds', id: 'rds', name: 'databases: a teardown of an ephemeral platform looks for none' },
  ];
}
