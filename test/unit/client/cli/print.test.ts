import { describe, expect, it } from 'vitest';
import { createPrinter } from '../../../../client/cli/print.ts';

function streams(isTTY: boolean, columns = 100) {
  const text = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof text) => ({ isTTY, columns, write: (chunk: string | Uint8Array) => { text[name] += String(chunk); return true; } });
  return { text, stdout: stream('stdout'), stderr: stream('stderr') };
}
const painted = (isTTY: boolean, env: NodeJS.ProcessEnv) => createPrinter(streams(isTTY), env, 'text').paint('green', 'x');

describe('createPrinter', () => {
  it('U1: data goes to stdout, messages to stderr', () => {
    const { text, ...both } = streams(false);
    const printer = createPrinter(both, {}, 'json');
    printer.document({ a: 1 });
    printer.line({ b: 2 });
    printer.message('hello');
    expect(text).toEqual({ stdout: '{\n  "a": 1\n}\n{"b":2}\n', stderr: 'hello\n' });
  });

  it('U1: colour only at a terminal, and never with NO_COLOR or a dumb one', () => {
    expect(painted(true, {})).toBe('\u001B[32mx\u001B[39m');
    expect(painted(true, { NO_COLOR: '' })).toBe('\u001B[32mx\u001B[39m');
    expect([painted(false, {}), painted(true, { NO_COLOR: '1' }), painted(true, { TERM: 'dumb' })]).toEqual(['x', 'x', 'x']);
  });

  it('U1: lines are redrawn only at a terminal that is wide enough, and not in CI', () => {
    const live = (isTTY: boolean, env: NodeJS.ProcessEnv, columns?: number) => createPrinter(streams(isTTY, columns), env, 'text').live;
    expect(live(true, {})).toBe(true);
    expect([live(false, {}), live(true, { CI: 'true' }), live(true, { TERM: 'dumb' }), live(true, {}, 0)]).toEqual([false, false, false, false]);
  });
});
