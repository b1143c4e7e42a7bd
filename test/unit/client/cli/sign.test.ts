import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyDecision } from '../../../../activities/break-glass.ts';
import { claimsFor, type DecisionRequest, makeDecisionRequest } from '../../../../domain/break-glass.ts';
import { type ApproverFiles, approverFiles } from '../../../support/approver-files.ts';
import { runCli } from '../../../support/cli.ts';
import { ephemeralPlan } from '../../../support/plans.ts';

const request = makeDecisionRequest(ephemeralPlan('teardown'), { runId: 'r1', requester: 'ana', gate: 'dns-gate', subject: ['a.x A 192.0.2.1 (owner-txt, owner o) ttl 60'], decisions: ['wait', 'repair', 'abort'], sequence: 1, now: Date.now() });
const said = ['--decision', 'repair', '--reason', 'ExternalDNS is gone', '--ticket', 'OPS-1'];
const claims = claimsFor(request, { decision: 'repair', approver: 'bob', reason: 'ExternalDNS is gone', ticket: 'OPS-1' });
/** Neither Temporal nor AWS can be reached; without a fallback, one that is asked fails. */
const alone = { TEMPORAL_ADDRESS: '127.0.0.1:1', AWS_ENDPOINT_URL: 'http://127.0.0.1:1' };

let files: ApproverFiles;
let file: string;
beforeAll(async () => { files = await approverFiles(['alice', 'bob']); file = await write(request); });
afterAll(async () => { await files.remove(); });
const write = (changed: DecisionRequest) => files.write('request.json', JSON.stringify({ report: { waiting: { request: changed, approvals: [] } } }));
const sign = (...args: string[]) => runCli(['sign', '--key', files.keyOf('bob'), ...args], alone);

describe('goldenpath sign', () => {
  it('B2: stdout gets the JWS alone, stderr all that it covers; it counts', async () => {
    const { code, stdout, stderr } = await sign('--request', file, ...said, '--approver', 'bob');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)]);
    for (const part of [...request.subject, 'goldenpath-dev-eks-21-11-26-01', 'dns-gate', request.id, 'bob decides repair']) expect(stderr).toContain(part);
    expect(await verifyDecision({ decision: { jws: stdout.trim() }, policy: files.policy })).toEqual({ claims, signature: { kind: 'valid', signer: 'bob' } });
  });

  it('B1: with -o json it is the payload of the signal, and whose key it is comes from the environment file', async () => {
    const { code, stdout } = await runCli(['sign', '--key', files.keyOf('bob'), '--request', file, ...said, '-o', 'json'], { ...alone, GOLDENPATH_ENVIRONMENTS: files.environments });
    expect(code).toBe(0);
    const payload: unknown = JSON.parse(stdout);
    expect(Object.keys(payload as object)).toEqual(['jws']);
    expect(await verifyDecision({ decision: payload as { jws: string }, policy: files.policy })).toMatchObject({ claims, signature: { kind: 'valid' } });
  });

  it('B1: a request whose lines were changed, that expired, or that does not allow the decision is not signed', async () => {
    const changed = await files.write('changed.json', JSON.stringify({ ...request, subject: ['harmless.x A 192.0.2.9'] }));
    const over = await files.write('over.json', JSON.stringify({ ...request, expiresAt: Date.now() - 1 }));
    for (const [args, problem] of [[['--request', changed, ...said], 'it was changed on its way'], [['--request', over, ...said], 'the request expired at'], [['--request', file, ...said, '--decision', 'leave'], 'allowed: wait, repair, abort']] as const) {
      const { code, stdout, stderr } = await sign(...args, '--approver', 'bob');
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain(problem);
    }
  });

  it('F5: everything that is missing is named at once', async () => {
    const { code, stdout, stderr } = await runCli(['sign'], alone);
    expect([code, stdout]).toEqual([2, '']);
    for (const field of ['--request', '--decision', '--reason', '--ticket', '--key']) expect(stderr).toContain(`${field}: is missing`);
  });
});

describe('goldenpath approve', () => {
  it.each([
    [['--jws', 'nothing-there', '--reason', 'x'], '--reason x: says again what --jws says already'],
    [['--jws', 'nothing-there'], '--jws nothing-there: cannot be read (ENOENT)'],
    [['--env', 'dev', '--build-id', '21-11-26-01'], '--ticket: is missing'],
    [[], '--build-id: is missing'],
  ])('F5: %j is refused before anything is reached for', async (args, problem) => {
    const { code, stdout, stderr } = await runCli(['approve', ...args], alone);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(problem);
  });
});
