// The audit trail as a table for people: when, what happened, who, about what, and whether it counted. Pure.
import type { AuditEntry } from '../../domain/audit.ts';
import type { Approval, DecisionRequest, Signature } from '../../domain/break-glass.ts';
import { permitLine } from '../../domain/dns-gate.ts';
import type { Paint } from './print.ts';
import { instant, visible } from './render-decisions.ts';
import { count, tableLines } from './render-words.ts';

interface Row {
  who: string;
  what: string;
  result: string;
}

/** A row for each entry, and at the end the lines that each request was about, once. */
export function auditLines(entries: readonly AuditEntry[], paint: Paint): string[] {
  const rows = entries.map((entry) => {
    const { who, what, result } = rowOf(entry);
    return [instant(entry.at), entry.kind, who, what, result].map((cell) => visible(cell));
  });
  const requests = new Map(entries.flatMap((entry) => (entry.kind === 'request' ? [[entry.request.id, entry.request] as const] : [])));
  return [
    ...tableLines(['TIME', 'KIND', 'WHO', 'WHAT', 'RESULT'], rows, paint),
    ...[...requests.values()].flatMap(({ id, cluster, gate, subject }) => ['', paint('bold', visible(`Request ${id}, at ${gate} of ${cluster}, was about`)), ...subject.map((line) => `  ${visible(line)}`)]),
  ];
}

function rowOf(entry: AuditEntry): Row {
  if (entry.kind === 'request') return requestRow(entry.request);
  if (entry.kind === 'attempt') return attemptRow(entry);
  if (entry.kind === 'decision') return { who: names(entry.approvals), what: about(entry.request), result: `decided: ${entry.decision}` };
  if (entry.kind === 'void') return { who: '–', what: `request ${entry.request}`, result: `void: ${entry.reason}` };
  if (entry.kind === 'operator') return { who: entry.by, what: `${entry.stage}: ${entry.decision}`, result: `said: ${entry.reason}` };
  if (entry.kind === 'proof') return { who: '–', what: entry.why, result: permitLine(entry.proof) };
  if (entry.kind === 'destroy') return destroyRow(entry);
  if (entry.kind === 'repaired') return { who: '–', what: `request ${entry.request}`, result: `deleted ${count(entry.records.length, 'record')} in change ${entry.change}` };
  if (entry.kind === 'lift') return { who: names(entry.approvals), what: about(entry.request), result: `lifts ${count(entry.protections.length, 'protection')} (${entry.activity})` };
  if (entry.kind === 'database') return { who: names(entry.approvals), what: about(entry.request), result: `deletes instance ${entry.instance}; ${count(entry.snapshots.length, 'snapshot')} stay` };
  if (entry.kind === 'revoke') return { who: names(entry.approvals), what: about(entry.request), result: `takes role ${entry.role} its permissions` };
  return { who: names(entry.approvals), what: about(entry.request), result: `deletes ${count(entry.records.length, 'record')}` };
}

function requestRow(request: DecisionRequest): Row {
  const { requester, decisions, approvals, signatures, subject, expiresAt } = request;
  return { who: requester, what: `${about(request)}, ${count(subject.length, 'line')}`, result: `needs ${approvals} for ${decisions.join(', ')}; signatures ${signatures}; until ${instant(expiresAt)}` };
}

function attemptRow({ claims, channel, signature, accepted, reason }: Extract<AuditEntry, { kind: 'attempt' }>): Row {
  const verdict = accepted ? 'accepted' : `refused: ${reason ?? 'no reason given'}`;
  if (claims === null) return { who: 'unknown', what: `cannot be read, by ${channel}, ${signed(signature)}`, result: verdict };
  return { who: claims.approver, what: `${claims.gate}: request ${claims.request}, ${claims.decision}, by ${channel}, ${signed(signature)}`, result: `${verdict}; said: ${claims.reason} (${claims.ticket})` };
}

function destroyRow({ activity, attempt, permit }: Extract<AuditEntry, { kind: 'destroy' }>): Row {
  const byDecision = permit.kind === 'break-glass';
  return { who: byDecision ? names(permit.approvals) : '–', what: `${activity}${attempt > 1 ? `, attempt ${attempt}` : ''}`, result: `on ${byDecision ? 'break-glass' : 'proof'}: ${permitLine(permit)}` };
}

function about({ gate, id }: DecisionRequest): string {
  return `${gate}: request ${id}`;
}

function names(approvals: readonly Approval[]): string {
  return approvals.map(({ claims }) => claims.approver).join(', ');
}

function signed(signature: Signature): string {
  if (signature.kind === 'valid') return `signed by ${signature.signer}`;
  return signature.kind === 'none' ? 'unsigned' : 'signature worthless'; // the refusal says why
}
