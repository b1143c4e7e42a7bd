import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyDecision } from '../../../activities/break-glass.ts';
import { askedIn, checkAllowed, checkAsked, checkSaid, isExpired, readJws, requestSchema, signDecision } from '../../../client/decision-request.ts';
import { readSigningKey, type SigningKey } from '../../../client/keys.ts';
import { type InputProblem, InputRefused } from '../../../client/problems.ts';
import { claimsFor, type DecisionRequest, makeDecisionRequest } from '../../../domain/break-glass.ts';
import { type ApproverFiles, approverFiles } from '../../support/approver-files.ts';
import { ephemeralPlan } from '../../support/plans.ts';

const now = Date.parse('2026-11-21T10:00:00Z');
const request = makeDecisionRequest(ephemeralPlan('teardown'), { runId: 'r1', requester: 'ana', gate: 'dns-gate', subject: ['a.x A 192.0.2.1 (owner-txt, owner o) ttl 60', 'b.x TXT "t" (inside-scope, no owner)'], decisions: ['wait', 'repair', 'leave', 'abort'], sequence: 1, now });
const asked = { request, approvals: [] };
const said = { decision: 'repair', approver: 'bob', reason: 'gone', ticket: 'OPS-1' } as const;

let files: ApproverFiles;
let bob: SigningKey;
beforeAll(async () => { files = await approverFiles(['alice', 'bob']); bob = await readSigningKey(files.keyOf('bob')); });
afterAll(async () => { await files.remove(); });

function problemsOf(call: () => unknown): InputProblem[] {
  try {
    call();
  } catch (error) {
    if (error instanceof InputRefused) return error.inputProblems;
    throw error;
  }
  throw new Error('expected a refusal');
}

describe('checkSaid', () => {
  it('F5, B1: decision, reason and ticket are asked for at once', () => {
    expect(problemsOf(() => checkSaid({ decision: 'delete', reason: ' ' })).map(({ field, given, allowed }) => [field, given, allowed])).toEqual([
      ['--decision', 'delete', 'wait, repair, leave, lift, destroy, abort'],
      ['--reason', undefined, 'a sentence'],
      ['--ticket', undefined, 'the id or address of a ticket'],
    ]);
  });

  it('B1: what is said is taken without the space around it', () => {
    expect(checkSaid({ decision: 'wait', reason: ' slow ', ticket: 'OPS-1\n' })).toEqual({ decision: 'wait', reason: 'slow', ticket: 'OPS-1' });
  });
});

describe('askedIn', () => {
  const forms = { 'a status': { schema: 1, run: {}, report: { waiting: { stage: 'x', request, approvals: [] } } }, 'what waits': { stage: 'x', request, approvals: [] }, 'the request': request, 'an entry of the audit trail': { kind: 'request', request } };
  it.each(Object.entries(forms))('B2: takes the request from %s', (_, form) => {
    expect(askedIn(JSON.stringify(form), 'f')).toEqual(asked);
  });

  it('B2: keeps who approved already', () => {
    const approvals = [{ claims: claimsFor(request, said), at: 5, jws: 'a.b.c' }];
    expect(askedIn(JSON.stringify({ request, approvals }), 'f').approvals).toEqual(approvals);
  });

  it.each([['{', /^is not JSON/], ['[]', /^holds no request/], ['{"report":{"stages":[]}}', /^holds no request/], [JSON.stringify({ ...request, environment: '../etc' }), /environment/]])('F5: %s is refused with its field', (text, problem) => {
    const [found] = problemsOf(() => askedIn(text, 'file.json'));
    expect(found).toMatchObject({ field: '--request', given: 'file.json' });
    expect(found?.problem).toMatch(problem);
  });

  it('B2: every request that the product makes fits the published schema', () => {
    expect(requestSchema.parse(JSON.parse(JSON.stringify(request)))).toEqual(request);
  });
});

describe('checkAsked', () => {
  const refusals = (changed: Partial<DecisionRequest>, at = now) => problemsOf(() => { checkAsked({ ...asked, request: { ...request, ...changed } }, { field: '--request', now: at }); }).map(({ problem }) => problem);

  it('B1: a request as the run made it is fine until it expires', () => {
    expect(() => { checkAsked(asked, { field: 'run', now: request.expiresAt - 1 }); }).not.toThrow();
  });

  it('B1: lines other than those that a signature would cover are refused, whatever was changed', () => {
    fc.assert(fc.property(fc.array(fc.string()), (subject) => {
      fc.pre(JSON.stringify(subject) !== JSON.stringify(request.subject));
      expect(refusals({ subject })).toEqual(['shows other lines than a signature of it would cover: it was changed on its way']);
    }));
  });

  it('B1: another cluster or environment than that of the workflow is refused', () => {
    expect(refusals({ cluster: 'goldenpath-dev-eks-01-01-26-01' })[0]).toContain('it was changed on its way');
    expect(refusals({ environment: 'staging' })[0]).toContain('it was changed on its way');
  });

  it('B1: an expired request says so, and what to do', () => {
    const [problem] = problemsOf(() => { checkAsked(asked, { field: 'run', now: request.expiresAt }); });
    expect(problem).toMatchObject({ field: 'run', problem: 'the request expired at 2026-11-21T14:00:00.000Z', fix: `\`goldenpath retry ${request.workflowId} --reason '…'\` looks again and asks anew` });
  });
});

describe('checkAllowed', () => {
  it('B1: only what the request allows can be decided', () => {
    expect(() => { checkAllowed(asked, 'repair'); }).not.toThrow();
    expect(problemsOf(() => { checkAllowed(asked, 'lift'); })).toMatchObject([{ field: '--decision', given: 'lift', allowed: 'wait, repair, leave, abort' }]);
  });
});

describe('isExpired', () => {
  it.each([[{ request }, now, false], [{ request }, request.expiresAt, true], [{ reminded: true }, now, true], [{}, now, false]])('B1: %#', (waiting, at, expected) => { expect(isExpired(waiting, at)).toBe(expected); });
});

describe('signDecision', () => {
  it('B2: what is signed is what the worker reads, and it knows whose signature it is', async () => {
    const claims = claimsFor(request, said);
    const jws = await signDecision(claims, bob.key);
    expect(await verifyDecision({ decision: { jws }, policy: files.policy })).toEqual({ claims, signature: { kind: 'valid', signer: 'bob' } });
  });

  it('B2: a signature in another’s name is worth nothing', async () => {
    const jws = await signDecision(claimsFor(request, { ...said, approver: 'alice' }), bob.key);
    expect(await verifyDecision({ decision: { jws }, policy: files.policy })).toMatchObject({ signature: { kind: 'invalid' } });
  });
});

describe('readJws', () => {
  it('B2: takes what `sign` prints, as text or as JSON', async () => {
    const claims = claimsFor(request, said);
    const jws = await signDecision(claims, bob.key);
    expect(readJws(`${jws}\n`, 'f')).toEqual({ jws, claims });
    expect(readJws(`{"jws":"${jws}"}\n`, 'f')).toEqual({ jws, claims });
  });

  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  it.each([['not a token', /^is not a signed/], ['{"jws":', /^is not a signed/], ['{"claims":{}}', /^is not a signed/], ['a.b.c', /^cannot be read/], [`${part({ alg: 'EdDSA' })}.${part({ sub: 'x' })}.c2ln`, /^does not say what a decision says/]])('F5: %s is refused', (text, problem) => {
    const [found] = problemsOf(() => readJws(text, 'decision.jws'));
    expect(found).toMatchObject({ field: '--jws', given: 'decision.jws' });
    expect(found?.problem).toMatch(problem);
  });
});
