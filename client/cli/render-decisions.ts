// What an approver reads: the question, who answered it so far, how to answer, and what came of an answer. Pure.
import { type Approval, decided, type Decision, type DecisionClaims, type DecisionRequest } from '../../domain/break-glass.ts';
import { MEANING } from '../../domain/details.ts';
import { ownedLine } from '../../domain/dns-records.ts';
import type { RunReport, Waiting } from '../../domain/report.ts';
import { type Asked, isExpired } from '../decision-request.ts';
import type { Paint } from './print.ts';
import { count, duration, row } from './render-words.ts';

/** More lines than this help no one in a summary; `-o json` has them all, and so has whoever is about to decide. */
const MAX_LINES = 25;

/** Text from elsewhere as it is, with anything shown that a terminal would obey or hide: an approver sees what is signed. */
export function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** All of what is being decided, for the approver: cluster, gate, every line, who agreed so far, until when. */
export function askedLines({ request, approvals }: Asked, paint: Paint, now: number): string[] {
  const { subject, workflowId, runId, requester } = request;
  return [
    paint('bold', visible(`Decision ${request.id} at ${request.gate} of ${request.cluster}`)),
    row('environment', request.environment),
    row('run', visible(`${workflowId}, run ${runId}, asked for by ${requester}`)),
    row('plan', visible(request.planHash)),
    row('may decide', request.decisions.join(', ')),
    row('approvals', `${approversOf(request)}; signatures ${request.signatures}`),
    ...approvalLines(approvals, paint).map((line) => `  ${line}`),
    row('expires', `${instant(request.expiresAt)}, ${timeLeft(request, now)}`),
    row('about', `${count(subject.length, 'line')}, sha256 ${request.subjectHash}`),
    ...subject.map((line) => `    ${visible(line)}`),
  ];
}

/** What an approver is about to say. */
export function sayingLine({ decision, approver, reason, ticket }: DecisionClaims, how: string): string {
  return visible(`${approver} decides ${decision} (${MEANING[decision]}), ${how}: ${reason} (${ticket})`);
}

/** What came of a decision that the run took: what happens now, or who else is needed. */
export function outcomeLines({ workflowId, waiting }: RunReport, { request, claims }: { request: DecisionRequest; claims: DecisionClaims }): string[] {
  const took = `The run took the decision: ${claims.decision}, by ${claims.approver}.`;
  const standing = waiting?.request?.id === request.id ? waiting.approvals : undefined;
  const result = standing === undefined ? claims.decision : decided(request, standing);
  if (standing === undefined || result !== undefined) return [took, `It is decided: ${result ?? claims.decision} (${MEANING[result ?? claims.decision]}).`, `Follow the run with: goldenpath watch ${workflowId}`];
  const same = standing.filter(({ claims: { decision } }) => decision === claims.decision).length;
  const missing = request.approvals - same;
  return [took, `${count(missing, 'more approver')} must say ${claims.decision} by ${instant(request.expiresAt)}:`, `  ${approveCommand(workflowId, claims.decision)}`];
}

/** How people answer a run that waits: approvers, where it asks for a decision, and operators. */
export function waitingLines({ waiting, workflowId, refusals }: RunReport, paint: Paint, now = Date.now()): string[] {
  if (waiting === undefined) return [];
  const lines = waiting.request === undefined ? waiting.records.map((record) => ownedLine(record)) : waiting.request.subject;
  const hidden = lines.length - MAX_LINES;
  const standing = isExpired(waiting, now) ? undefined : waiting.request;
  return [
    `${paint('yellow', '⏸')} ${paint('bold', `The run waits for a decision at stage ${waiting.stage}`)}: ${waiting.reason}`,
    ...lines.slice(0, MAX_LINES).map((line) => `    ${visible(line)}`),
    ...(hidden > 0 ? [`    … and ${hidden} more`] : []),
    ...(isExpired(waiting, now) ? [`  ${paint('yellow', 'The request for a decision expired')}: retry looks again and asks anew.`] : []),
    ...(standing === undefined ? [] : requestLines(standing, waiting, paint, now)),
    ...(standing === undefined ? [] : refusals.slice(-3).map(({ at, by, reason }) => `    ${paint('red', '✘')} refused at ${instant(at)}, from ${visible(by)}: ${visible(reason)}`)),
    ...(standing === undefined ? [] : ['  Approvers answer with one of:', ...commandLines(standing, paint)]),
    standing === undefined ? '  Answer with one of:' : '  Without a decision, to look again or to end the run here:',
    ...waiting.answers.map((answer) => `    goldenpath ${answer} ${workflowId} --reason '…'`),
  ];
}

function requestLines(request: DecisionRequest, { approvals, reminded }: Waiting, paint: Paint, now: number): string[] {
  const until = `by ${instant(request.expiresAt)}, ${timeLeft(request, now)}`;
  return [`  Decision ${request.id}: ${approversOf(request)}, signatures ${request.signatures}, ${reminded === true ? paint('yellow', until) : until}`, ...approvalLines(approvals, paint)];
}

function approvalLines(approvals: readonly Approval[], paint: Paint): string[] {
  return approvals.map(({ claims, at, jws }) => `    ${paint('green', '✔')} ${visible(`${claims.approver} said ${claims.decision} at ${instant(at)}${jws === undefined ? ', unsigned' : ''}: ${claims.reason} (${claims.ticket})`)}`);
}

function commandLines({ workflowId, decisions }: DecisionRequest, paint: Paint): string[] {
  return decisions.flatMap((decision) => [`    ${decision === 'abort' ? `goldenpath deny ${workflowId} --reason '…' --ticket '…' --key FILE` : approveCommand(workflowId, decision)}`, paint('dim', `      ${MEANING[decision]}`)]);
}

function approveCommand(workflowId: string, decision: Decision): string {
  return `goldenpath approve ${workflowId} --decision ${decision} --reason '…' --ticket '…' --key FILE`;
}

function approversOf({ approvals, environment, requester }: DecisionRequest): string {
  return visible(`${count(approvals, 'approver')} of ${environment} other than ${requester}`);
}

function timeLeft({ expiresAt }: DecisionRequest, now: number): string {
  return now >= expiresAt ? 'it is over' : `${duration(expiresAt - now)} left`;
}

/** `2026-11-21 14:00:00 UTC`. */
export function instant(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
