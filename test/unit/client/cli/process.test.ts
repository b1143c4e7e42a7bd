import { describe, expect, it } from 'vitest';
import { eventSchema } from '../../../../client/events.ts';
import { runCli, startCli } from '../../../support/cli.ts';

const target = ['--env', 'dev', '--build-id', '21-11-26-01'];
/** A port on which nothing listens: a command that reaches for Temporal fails with 1, and says so. */
const nowhere = { TEMPORAL_ADDRESS: '127.0.0.1:1' };

describe('goldenpath', () => {
  it('U1: the main help lists every command and every exit code, on stdout', async () => {
    const { code, stdout, stderr } = await runCli(['--help']);
    expect([code, stderr]).toEqual([0, '']);
    for (const word of ['plan', 'bootstrap', 'teardown', 'status', 'watch', 'retry', 'abort', 'approve', 'deny', 'sign', 'audit', 'preflight', 'accept', 'worker', 'demo', 'lab', '124', '130']) expect(stdout).toContain(word);
  });

  it('F1: plan prints one JSON document and touches nothing', async () => {
    const { code, stdout, stderr } = await runCli(['plan', ...target, '-o', 'json'], nowhere);
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 1, target: { cluster: 'goldenpath-dev-eks-21-11-26-01' } });
  });

  it('U1: a reader that has seen enough is no error', async () => {
    const { child, done } = startCli(['plan', ...target, '-o', 'json']);
    child.stdout?.destroy();
    expect(await done).toMatchObject({ code: 0, stderr: '' });
  });

  it('F5: bad input ends with 2, nothing on stdout, every problem on stderr', async () => {
    const { code, stdout, stderr } = await runCli(['bootstrap', '--env', 'nowhere', '--build-id', '1-2', '--lifecycle', 'eternal'], nowhere);
    expect([code, stdout]).toEqual([2, '']);
    for (const part of ['--env nowhere', 'dev, prod, staging', '--build-id 1-2', '--lifecycle eternal']) expect(stderr).toContain(part);
  });

  it('F5: as JSON the refusal is a document too', async () => {
    const { code, stdout } = await runCli(['bootstrap', ...target, '--lifecycle', 'persistent', '-o', 'json'], nowhere);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 1, state: 'refused', error: { type: 'InvalidInput', problems: [{ field: '--build-id', given: '21-11-26-01' }] } });
  });

  it('U1: where there is nothing to watch, NDJSON says so in one event', async () => {
    const { code, stdout } = await runCli(['watch', '--env', 'nowhere', '-o', 'json'], nowhere);
    expect(code).toBe(2);
    expect(eventSchema.parse(JSON.parse(stdout.trimEnd()))).toMatchObject({ event: 'error', error: { type: 'InvalidInput', problems: [{ field: '--env' }, { field: '--build-id' }] } });
    expect(stdout.trimEnd()).not.toContain('\n');
  });

  it.each([[['--max-tier', '3']], [['-o', 'yaml']], [['extra']]])('F5: %j is refused by its name', async (extra) => {
    const { code, stdout, stderr } = await runCli(['bootstrap', ...target, ...extra], nowhere);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/--max-tier|--output|too many arguments/);
  });

  it('X1: the persistent platform is confirmed by its own name, which is another one’s beginning', async () => {
    const { code, stderr } = await runCli(['teardown', '--env', 'dev', '--lifecycle', 'persistent', '--confirm', 'goldenpath-dev-eks-21-11-26-01'], nowhere);
    expect(code).toBe(2);
    expect(stderr).toMatch(/type --confirm goldenpath-dev-eks(?!-)/);
  });

  it.each([[[]], [['--confirm', 'goldenpath-dev-eks']], [['--confirm', 'yes']]])('X1: a teardown confirmed with %j is refused and shows what to type', async (confirm) => {
    const { code, stdout, stderr } = await runCli(['teardown', ...target, ...confirm], nowhere);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('type --confirm goldenpath-dev-eks-21-11-26-01');
  });

  it('X1: beside other problems a missing confirmation is named too', async () => {
    const { stderr } = await runCli(['teardown', '--env', 'nowhere'], nowhere);
    for (const field of ['--env nowhere', '--build-id:', '--confirm:']) expect(stderr).toContain(field);
  });

  it('F5, X1: a confirmation that does not fit what was typed is named beside a bad environment; one that fits is not', async () => {
    const typed = ['teardown', '--env', 'nowhere', '--build-id', '21-11-26-01', '--confirm'];
    expect((await runCli([...typed, 'yes'], nowhere)).stderr).toMatch(/--env nowhere[^]*--confirm yes: is not the name of the cluster\n +allowed: goldenpath-nowhere-eks-21-11-26-01/);
    expect((await runCli([...typed, 'goldenpath-nowhere-eks-21-11-26-01'], nowhere)).stderr).not.toContain('--confirm');
  });

  it.each([
    [['lab', 'up', '--name', '../x', '--time-scale', '0'], ['--name ../x', '--time-scale 0']],
    [['watch', '--env', 'nowhere', '--timeout', 'soon'], ['--env nowhere', '--build-id:', '--timeout soon']],
    [['retry', 'x y'], ['run x y', '--reason:']],
  ])('F5: %j names every problem at once', async (args, fields) => {
    const { code, stderr } = await runCli(args, nowhere);
    expect(code).toBe(2);
    for (const field of fields) expect(stderr).toContain(field);
  });

  it.each([[['watch', 'x y']], [['watch', 'goldenpath-dev-eks', '--env', 'dev']], [['watch', ...target, '--timeout', 'soon']], [['retry', ...target]], [['status', '--env', 'nowhere']], [['lab', 'up', '--time-scale', '0']], [['lab', 'status', '--name', '../x']]])('F5: %j is bad input', async (args) => {
    expect((await runCli(args, nowhere)).code).toBe(2);
  });

  it('U1: no Temporal server is a failure that says where it was looked for', async () => {
    const { code, stdout, stderr } = await runCli(['status'], nowhere);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('No Temporal server answers at 127.0.0.1:1');
  });

  it('U1: a worker names every problem of its environment and ends with 2', async () => {
    const { code, stderr } = await runCli(['worker'], { AWS_REGION: 'x', GOLDENPATH_LOG_LEVEL: 'loud', GOLDENPATH_METRICS_ADDRESS: 'here' });
    expect(code).toBe(2);
    for (const variable of ['AWS_REGION (x)', 'GOLDENPATH_LOG_LEVEL (loud)', 'GOLDENPATH_METRICS_ADDRESS (here)']) expect(stderr).toContain(variable);
  });
});
