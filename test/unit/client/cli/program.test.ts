import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { program } from '../../../../client/cli/program.ts';

const all = ({ commands }: Command): Command[] => commands.flatMap((command) => [command, ...all(command)]);

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (chunk) => { text += chunk; } }).outputHelp();
  return text;
}

describe('goldenpath --help', () => {
  it('U1: every command of the issue is there', () => {
    expect(all(program()).map((command) => command.name()).toSorted()).toEqual(['abort', 'accept', 'allow', 'apply', 'apply', 'approve', 'audit', 'bootstrap', 'check', 'check', 'create', 'database', 'demo', 'deny', 'destroy', 'down', 'env', 'lab', 'oidc', 'orphans', 'plan', 'preflight', 'retry', 'sign', 'status', 'status', 'teardown', 'up', 'verify', 'versions', 'watch', 'worker']);
  });

  it.each(all(program()).map((command) => [`${command.parent?.name() ?? ''} ${command.name()}`, command] as const))('U1: %s says what it does and has an example', (_, command) => {
    expect(command.description()).not.toBe('');
    expect(helpOf(command)).toMatch(/Examples?:\n.*(goldenpath|npm run)/);
  });
});
