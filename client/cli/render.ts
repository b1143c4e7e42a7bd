// What a person reads: plans, reports, stages, lists, problems, as lines of text. Pure; print.ts prints them.
import { interruptionLine } from '../../domain/interruption.ts';
import type { Plan } from '../../domain/plan.ts';
import { leftStanding, type RunReport, type StageReport } from '../../domain/report.ts';
import { operationTitle } from '../../domain/stages.ts';
import type { InputProblem } from '../problems.ts';
import type { RunSummary } from '../runs.ts';
import type { Pending, RunView } from '../watch.ts';
import type { Paint, Style } from './print.ts';
import { waitingLines } from './render-decisions.ts';
import { duration, row, tableLines } from './render-words.ts';

const MARKS: Record<StageReport['status'], { mark: string; style: Style }> = {
  pending: { mark: '◻', style: 'dim' },
  running: { mark: '▶', style: 'cyan' },
  waiting: { mark: '⏸', style: 'yellow' },
  done: { mark: '✔', style: 'green' },
  failed: { mark: '✘', style: 'red' },
};
/** Two lines of a terminal; `-o json` has all of it. */
const MAX_WORDS = 200;

export function problemLines(problems: readonly InputProblem[], paint: Paint): string[] {
  return problems.flatMap(({ field, given, problem, allowed, fix }) => [
    `${paint('red', '✘')} ${paint('bold', field)}${given === undefined ? '' : ` ${given}`}: ${problem}`,
    ...(allowed === undefined ? [] : [`    allowed: ${allowed}`]),
    `    to do:   ${fix}`,
  ]);
}

export function planLines(plan: Plan, paint: Paint): string[] {
  const { target, versions } = plan;
  return [
    paint('bold', `Plan: ${plan.operation} of ${target.cluster}`),
    row('environment', `${target.environment} (account ${target.accountId}, ${target.region})`),
    row('lifecycle', `${target.lifecycle}, up to tier ${plan.maxTier}`),
    row('workflow id', target.workflowId),
    row('DNS scope', `${target.hostSuffix} in zone ${target.zone} (${target.hostedZoneId})`),
    row('DNS owner', `${target.ownerId}, ExternalDNS ${plan.externalDns.enabled ? 'on' : 'off'}`),
    row('nodes', `${plan.nodeGroup.desiredSize} (${plan.nodeGroup.minSize}–${plan.nodeGroup.maxSize}) of ${plan.nodeGroup.instanceTypes.join(', ')}, ${plan.nodeGroup.capacityType}`),
    row('GitOps', `${plan.gitops.repoUrl} at ${plan.gitops.revision}`),
    row('hash', plan.hash),
    '',
    paint('bold', 'Stages'),
    ...plan.stages.map(({ title }, index) => `  ${String(index + 1).padStart(2)}  ${title}`),
    '',
    paint('bold', 'Components'),
    ...plan.tiers.map(({ tier, components }) => `  tier ${tier.padEnd(4)} ${components.length === 0 ? '–' : components.map(({ name, wave }) => `${name} (${wave})`).join(', ')}`),
    '',
    paint('bold', 'Versions'),
    `  Kubernetes ${versions.kubernetes}; Argo CD ${versions.manifests.argocd.version}; ${Object.entries(versions.addons).map(([name, version]) => `${name} ${version}`).join(', ')}`,
    ...Object.entries(versions.images).map(([name, { repository, tag, digest }]) => paint('dim', `  ${name}: ${repository}:${tag}@${digest}`)),
  ];
}

/** One stage in one line, with its time and, where there is more to know, what follows it. */
export function stageLine(stage: Pick<StageReport, 'title' | 'status' | 'attempts' | 'startedAt' | 'endedAt'>, paint: Paint): string {
  const { mark, style } = MARKS[stage.status];
  const took = stage.startedAt === undefined || stage.endedAt === undefined ? '' : paint('dim', ` ${duration(stage.endedAt - stage.startedAt)}`);
  const again = stage.attempts > 1 ? paint('dim', ` (attempt ${stage.attempts})`) : '';
  return `${paint(style, mark)} ${stage.title}${took}${again}`;
}

export function errorLines({ error }: { error?: StageReport['error'] | undefined }, paint: Paint): string[] {
  return error === undefined ? [] : [`${paint('red', error.type)}: ${error.message}`, ...error.problems.map((problem) => `- ${problem}`)];
}

/** What is awaited now, one line an activity: its last word where it has said one, else its name. */
export function pendingLines(pending: readonly Pending[]): string[] {
  return pending.map(({ activity, says }) => {
    const words = says?.replaceAll(/\s+/g, ' ') ?? activity;
    return words.length > MAX_WORDS ? `${words.slice(0, MAX_WORDS)}…` : words;
  });
}

/** The whole report: every stage with its time and what failed in it, and what the summary says besides. */
export function reportLines(report: RunReport, paint: Paint): string[] {
  return [headline(report, paint), ...report.stages.flatMap((stage) => stageLines(stage, paint)), ...closingLines(report, paint)];
}

/** How a run stands: its state, what failed and why, who decided what, what is left, what to do. */
export function summaryLines(report: RunReport, paint: Paint): string[] {
  return [headline(report, paint), ...report.stages.filter(({ error }) => error !== undefined).flatMap((stage) => stageLines(stage, paint)), ...closingLines(report, paint)];
}

function headline({ operation, cluster, state, startedAt, endedAt }: RunReport, paint: Paint): string {
  const style: Style = state === 'ready' || state === 'clean' ? 'green' : state === 'failed' ? 'red' : 'yellow';
  return `${paint('bold', `${operationTitle(operation)} of ${cluster}`)}: ${paint(style, state)}${endedAt === undefined ? '' : ` after ${duration(endedAt - startedAt)}`}`;
}

function stageLines(stage: StageReport, paint: Paint): string[] {
  return [`  ${stageLine(stage, paint)}`, ...errorLines(stage, paint).map((line) => `      ${line}`)];
}

function closingLines(report: RunReport, paint: Paint): string[] {
  const [standing, command] = leftStanding(report);
  return [
    ...report.decisions.map(({ stage, decision, by, reason }) => `  ${decision} at ${stage} by ${by}: ${reason}`),
    ...waitingLines(report, paint),
    ...(report.interruption === undefined ? [] : [`  ${paint('yellow', 'interrupted')}: ${interruptionLine(report.interruption)}`, `      the teardown: goldenpath watch ${report.workflowId}`]),
    ...(report.teardown === undefined ? [] : [`  ${paint('yellow', 'tears itself down')}: the teardown of what it made follows`, `      the teardown: goldenpath watch ${report.teardown.workflowId}`]),
    ...(report.interrupted === undefined ? [] : [`  took over the bootstrap run ${report.interrupted}`]),
    ...report.residue.flatMap(({ kind, id, why, whatToDo }) => [`  ${paint('yellow', 'left behind')} ${kind} ${id}: ${why}`, `      to do: ${whatToDo}`]),
    ...(standing === undefined ? [] : [`  ${paint('yellow', standing)}. Remove them with:`, `    ${command}`]),
    ...(report.state === 'ready' ? [`  host names end in ${report.hostSuffix}`] : []),
  ];
}

/** Records as a zone file would list them; registry TXT, which ExternalDNS keeps for itself, is dimmed. */
export function recordLines(records: readonly { name: string; type: string; value: string }[], paint: Paint): string[] {
  if (records.length === 0) return ['  none'];
  const width = Math.max(...records.map(({ name }) => name.length));
  return records.map(({ name, type, value }) => paint(type === 'TXT' ? 'dim' : 'cyan', `  ${name.padEnd(width)}  ${type.padEnd(5)}  ${value}`));
}

/** What is left of a platform, kind by kind. */
export function leftLines(left: readonly { kind: string; found: readonly string[] }[], paint: Paint): string[] {
  return left.flatMap(({ kind, found }) => [`  ${found.length === 0 ? paint('green', '✔') : paint('red', '✘')} ${kind.padEnd(20)} ${found.length === 0 ? 'none' : found.length}`, ...found.map((item) => `      ${item}`)]);
}

/** A receipt for people: where it lies, whose it is, and what each stage took. */
export function receiptLines(report: RunReport, paint: Paint): string[] {
  const took = (report.endedAt ?? report.startedAt) - report.startedAt;
  const longest = Math.max(1, ...report.stages.map((stage) => stageMs(stage)));
  const width = Math.max(...report.stages.map(({ title }) => title.length));
  return [
    `  ${report.stages.find(({ id }) => id === 'receipt')?.evidence[0] ?? 'not written'}`,
    `  plan ${report.planHash.slice(0, 16)}…, run ${report.runId}, by ${report.requester}`,
    ...report.stages.map((stage) => `  ${stage.title.padEnd(width)} ${duration(stageMs(stage)).padStart(12)} ${paint('cyan', '▇'.repeat(Math.round((stageMs(stage) / longest) * 24)))}`.trimEnd()),
    `  ${paint('bold', 'in all'.padEnd(width))} ${duration(took).padStart(12)}`,
  ];
}

function stageMs({ startedAt, endedAt }: StageReport): number {
  return startedAt === undefined || endedAt === undefined ? 0 : endedAt - startedAt;
}

/** Temporal's word for how a run stands; a bootstrap continues as new where a teardown takes it over, or follows its failure. */
function statusWord({ status, tornDownByItself }: Pick<RunSummary, 'status' | 'tornDownByItself'>): string {
  if (status !== 'CONTINUED_AS_NEW') return status.toLowerCase();
  return tornDownByItself ? 'failed' : 'interrupted';
}

/** A table of runs, newest first. */
export function runLines(runs: readonly RunSummary[], paint: Paint, now: number): string[] {
  if (runs.length === 0) return ['There is no run.'];
  const rows = runs.map((run) => [run.cluster ?? run.workflowId, run.operation, run.gate === null ? statusWord(run) : 'waiting', run.gate ?? run.phase ?? '–', run.requester ?? '–', duration((run.endedAt ?? now) - run.startedAt), new Date(run.startedAt).toISOString().slice(0, 16).replace('T', ' ')]);
  return tableLines(['PLATFORM', 'RUN', 'STATE', 'STAGE', 'BY', 'TOOK', 'STARTED (UTC)'], rows, paint);
}

/** One run, as `status` shows it. */
export function viewLines({ run, report, pending, silent, outcome }: RunView, paint: Paint): string[] {
  return [
    ...(report === undefined ? [`${paint('bold', `${operationTitle(run.operation)} of ${run.cluster ?? run.workflowId}`)}: ${statusWord(run)}, stage ${run.phase ?? 'unknown'}`] : reportLines(report, paint)),
    ...pendingLines(pending).map((line) => `  ${paint('cyan', '…')} ${line}`),
    ...(silent === undefined ? [] : [`  ${paint('yellow', '!')} ${silentLine(silent)}`]),
    ...(outcome?.error === undefined || report?.state === 'failed' ? [] : [`  ${paint('red', outcome.error.type)}: ${outcome.error.message}`]),
    paint('dim', `  workflow ${run.workflowId}, run ${run.runId}, by ${run.requester ?? 'unknown'}`),
  ];
}

export function silentLine(who: 'worker' | 'server'): string {
  return who === 'worker' ? 'no worker answers: what the run does now cannot be seen, and it goes on once a worker is there (goldenpath worker)' : 'the Temporal server does not answer; looking again';
}
