// The Markdown that the Temporal UI shows as a run's current details: what it does, what it waits for, how to answer (U1).
import { claimsFor, type Decision, type DecisionRequest } from './break-glass.ts';
import { ownedLine } from './dns-records.ts';
import { interruptionLine } from './interruption.ts';
import { leftStanding, type RunReport, type StageReport, type Waiting } from './report.ts';
import { operationTitle } from './stages.ts';

const MARK: Record<StageReport['status'], string> = { pending: '◻', running: '▶', waiting: '⏸', done: '✔', failed: '✘' };
/** A details page of hundreds of records helps no one; the report query has them all. */
const MAX_RECORDS = 25;

/** The whole page for a report. */
export function currentDetails(report: RunReport): string {
  const lines = [`**${operationTitle(report.operation)} of \`${report.cluster}\`** (${report.hostSuffix}): ${report.state}`, ''];
  for (const stage of report.stages) {
    lines.push(`- ${MARK[stage.status]} ${stage.title}${duration(stage)}`);
    if (stage.status === 'failed' || stage.status === 'waiting') for (const line of errorLines(stage)) lines.push(`  - ${line}`);
  }
  if (report.interruption !== undefined) lines.push('', `**Interrupted**: ${interruptionLine(report.interruption)}. What is under way comes to its safe point; then this run goes on as the teardown.`);
  if (report.teardown !== undefined) lines.push('', '**Tears itself down**: the bootstrap has failed, and this workflow goes on as the teardown of what it made.');
  if (report.interrupted !== undefined) lines.push('', `Took over the bootstrap run ${report.interrupted}.`);
  if (report.waiting !== undefined) lines.push('', ...waitingLines(report));
  const [standing, command] = leftStanding(report);
  if (standing !== undefined) lines.push('', `**${standing}**: \`${command}\``);
  if (report.residue.length > 0) lines.push('', '**Left behind**', ...report.residue.map(({ kind, id, why, whatToDo }) => `- ${kind} \`${id}\`: ${why}. ${whatToDo}`));
  return lines.join('\n');
}

function duration({ startedAt, endedAt }: StageReport): string {
  return startedAt === undefined || endedAt === undefined ? '' : ` (${Math.round((endedAt - startedAt) / 100) / 10} s)`;
}

function errorLines({ error }: StageReport): string[] {
  if (error === undefined) return [];
  return [`${error.type}: ${error.message}`, ...error.problems];
}

function waitingLines({ waiting, workflowId, refusals }: RunReport): string[] {
  if (waiting === undefined) return [];
  const records = waiting.request === undefined ? waiting.records.map(ownedLine) : waiting.request.subject;
  const shown = records.slice(0, MAX_RECORDS).map((line) => `- ${line}`);
  if (records.length > MAX_RECORDS) shown.push(`- … and ${records.length - MAX_RECORDS} more`);
  const payload = JSON.stringify({ stage: waiting.stage, by: 'you', reason: 'why' });
  return [
    `**Waits for ${waiting.request === undefined ? 'an operator' : 'people'}** at stage \`${waiting.stage}\`: ${waiting.reason}`,
    ...shown,
    '',
    ...(waiting.request === undefined ? [] : requestLines(waiting.request, waiting)),
    ...refusals.slice(-3).map(({ at, by, reason }) => `- refused at ${new Date(at).toISOString()}, from ${by}: ${reason}`),
    '',
    '**Or answer without a decision** (retry looks again, abort ends the run here):',
    '',
    ...waiting.answers.flatMap((answer) => [
      `- \`goldenpath ${answer} ${workflowId} --reason '…'\``,
      `- or by hand: \`temporal workflow signal --workflow-id ${workflowId} --name ${answer}-by-hand --input '${payload}'\``,
    ]),
  ];
}

/** What each decision does, in words that complete it. */
export const MEANING: Record<Decision, string> = {
  wait: 'look again for as long as before',
  repair: 'delete exactly these records, then go on',
  leave: 'go on and leave them behind as residue',
  lift: 'take off exactly these protections, then go on',
  destroy: 'take a snapshot of exactly this instance, then delete it for good',
  abort: 'end the run here; one approver is enough',
};

/** What can be decided, by how many, until when, who did, and the exact thing to send. */
function requestLines(request: DecisionRequest, { approvals, reminded }: Waiting): string[] {
  const { workflowId, decisions, signatures } = request;
  const byHand = (input: unknown) => `temporal workflow signal --workflow-id ${workflowId} --name decide-by-hand --input '${JSON.stringify(input)}'`;
  return [
    `**Decision ${request.id}**: ${request.approvals} approver${request.approvals === 1 ? '' : 's'} of ${request.environment} other than ${request.requester}, by ${new Date(request.expiresAt).toISOString()}${reminded === true ? ' (**about to expire**)' : ''}`,
    '',
    ...decisions.map((decision) => `- \`${decision}\`: ${MEANING[decision]}`),
    ...approvals.map(({ claims, at }) => `- ✔ ${claims.approver} said ${claims.decision} at ${new Date(at).toISOString()}: ${claims.reason} (${claims.ticket})`),
    '',
    `- \`goldenpath approve ${workflowId} --decision ${decisions[0] ?? 'abort'} --reason '…' --ticket '…' --key you.key\``,
    '- on a machine without access: `goldenpath sign`, and by hand, with what it prints:',
    '',
    '```',
    byHand({ jws: '…' }),
    ...(signatures === 'optional' ? ['', '# or, since signatures are optional here:', byHand({ claims: claimsFor(request, { decision: decisions[0] ?? 'abort', approver: 'you', reason: 'why', ticket: 'OPS-1' }) })] : []),
    '```',
  ];
}
