// The Markdown that the Temporal UI shows as a run's current details: what it does, what it waits for, how to answer (U1).
import { ownedLine } from './dns-records.ts';
import { leftStanding, type RunReport, type StageReport } from './report.ts';

const MARK: Record<StageReport['status'], string> = { pending: '◻', running: '▶', waiting: '⏸', done: '✔', failed: '✘' };
/** A details page of hundreds of records helps no one; the report query has them all. */
const MAX_RECORDS = 25;

/** The whole page for a report. */
export function currentDetails(report: RunReport): string {
  const lines = [`**${report.operation === 'bootstrap' ? 'Bootstrap' : 'Teardown'} of \`${report.cluster}\`** (${report.hostSuffix}): ${report.state}`, ''];
  for (const stage of report.stages) {
    lines.push(`- ${MARK[stage.status]} ${stage.title}${duration(stage)}`);
    if (stage.status === 'failed' || stage.status === 'waiting') for (const line of errorLines(stage)) lines.push(`  - ${line}`);
  }
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

function waitingLines({ waiting, workflowId }: RunReport): string[] {
  if (waiting === undefined) return [];
  const records = waiting.records.slice(0, MAX_RECORDS).map((record) => `- ${ownedLine(record)}`);
  if (waiting.records.length > MAX_RECORDS) records.push(`- … and ${waiting.records.length - MAX_RECORDS} more`);
  const payload = JSON.stringify({ stage: waiting.stage, by: 'you', reason: 'why' });
  return [
    `**Waits for an operator's decision** at stage \`${waiting.stage}\`: ${waiting.reason}`,
    ...records,
    '',
    ...waiting.answers.flatMap((answer) => [
      `- \`goldenpath ${answer} ${workflowId} --reason '…'\``,
      `- or by hand: \`temporal workflow signal --workflow-id ${workflowId} --name ${answer}-by-hand --input '${payload}'\``,
    ]),
  ];
}
