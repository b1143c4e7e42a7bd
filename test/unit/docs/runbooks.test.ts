// Documents that people follow at 3 a.m.: each command is one that the CLI takes, each quoted message one that the sources print, each page of one form.
import { basename } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { program } from '../../../client/cli/program.ts';
import { runOf } from '../../../client/cli/run-ref.ts';
import { checkSaid } from '../../../client/decision-request.ts';
import { codeLines, deadLinks, filesOf, goldenpathCommands, isPrinted, quotedMessages, shellCommands } from '../../support/documents.ts';

const documents = [...filesOf('README.md'), ...filesOf('docs/**/*.md')];
const runbooks = filesOf('docs/runbooks/*.md').filter(({ path }) => basename(path) !== 'README.md');
const index = filesOf('docs/runbooks/README.md')[0]?.text ?? '';
const SECTIONS = ['What it means', 'What is safe', 'Look', 'Decide', 'Go on', 'It is over when'];

interface Parsed {
  name: string;
  args: string[];
  options: Record<string, string | boolean | undefined>;
}

/** What commander makes of the words; nothing is run. Throws its CommanderError where it takes them not. */
function parsed(words: readonly string[]): Parsed {
  const root = program();
  const found: Parsed[] = [];
  const quiet = (command: Command) => {
    command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
    if (command.commands.length === 0) command.action(() => { found.push({ name: command.name(), args: command.args, options: command.opts() }); });
    command.commands.forEach(quiet);
  };
  quiet(root);
  root.parse(words, { from: 'user' });
  const [only] = found;
  if (only === undefined) throw new TypeError(`no command in ${words.join(' ')}`);
  return only;
}

/** The options that the command's own action demands and that are missing. Throws InputRefused where a decision lacks its words, or the run is no name of one. */
async function missing({ name, args: [run], options }: Parsed): Promise<string[]> {
  const { jws, reason, confirm, plan } = options;
  if (['approve', 'deny', 'sign'].includes(name) && jws === undefined) checkSaid({ ...options, ...(name === 'deny' ? { decision: 'abort' } : {}) });
  // Of `check` the arguments are paths.
  if (name !== 'check' && run !== undefined && !/[…$<]/.test(run)) await runOf(run, {}, {});
  if (name === 'retry' || name === 'abort') return reason === undefined ? ['--reason'] : [];
  return name === 'teardown' && confirm === undefined && plan === undefined ? ['--confirm'] : [];
}

describe('documents', () => {
  const commands = documents.flatMap(({ path, text }) => goldenpathCommands(text).map((words) => [path, words.join(' '), words] as const));

  it.each(commands)('U1: %s: goldenpath %s', async (_, __, words) => {
    expect(await missing(parsed(words))).toEqual([]);
  });

  it.each(documents.map(({ path, text }) => [path, text] as const))('U1: %s names no command that does not exist', (_, text) => {
    const named = [...text.matchAll(/`(?:npx )?goldenpath ([a-z-]+)/g)].map(([, name]) => name);
    expect(named.filter((name) => !program().commands.some((command) => command.name() === name))).toEqual([]);
  });

  it.each(documents.map((document) => [document.path, document] as const))('U1: every link of %s leads somewhere', (_, document) => {
    expect(deadLinks(document)).toEqual([]);
  });

  it('U1: a link to nowhere is seen', () => {
    expect(deadLinks({ path: 'README.md', text: '[a](docs) [b](none.md) [c](#not-yet) [d](CONTRIBUTING.md#none) [e](https://example.org/none)' })).toEqual(['none.md', 'CONTRIBUTING.md#none']);
  });

  it('U1: a command that does not exist, an option that does not, and an answer without a reason are seen', async () => {
    expect(() => parsed(['obliterate'])).toThrow(/unknown command/);
    expect(() => parsed(['status', '--all'])).toThrow(/unknown option/);
    expect(await missing(parsed(['retry', 'goldenpath-dev-eks-23-01-26-01']))).toEqual(['--reason']);
    await expect(missing(parsed(['deny', 'goldenpath-dev-eks-23-01-26-01', '--reason', 'why']))).rejects.toThrow(/Refused/);
    await expect(missing(parsed(['status', 'a-cluster']))).rejects.toThrow(/Refused/);
  });

  it('U1: shell text is taken apart into its commands', () => {
    expect(shellCommands(`A=1 a 'b c' --d="e f" | g > h # i\neval "$(j k)" && l \\\n m`)).toEqual([['j', 'k'], ['A=1', 'a', 'b c', '--d=e f'], ['g'], ['eval', '$(…)'], ['l', 'm']]);
    expect(goldenpathCommands("text `goldenpath no`\n\n    npx goldenpath a -o json | jq .\n\n```sh\nX=1 goldenpath b\n```\n```yaml\ngoldenpath: c\n```\n")).toEqual([['a', '-o', 'json'], ['b']]);
  });
});

describe('runbooks', () => {
  const lines = codeLines();

  it.each(runbooks.flatMap(({ path, text }) => quotedMessages(text).map((message) => [basename(path), message] as const)))('U1: %s quotes words that are printed: %s', (_, message) => {
    expect(isPrinted(message, lines)).toBe(true);
  });

  it('U1: words that nobody prints are seen', () => {
    expect(isPrinted('the DNS gate is very much blocked', lines)).toBe(false);
    expect(isPrinted('Route 53 … holds', ['Route 53 still holds'])).toBe(false);
    expect(isPrinted('Route 53 holds … records', ['Route 53 holds ${count} records'])).toBe(true);
    expect(() => quotedMessages('> sees: without a mark')).toThrow(/not a quoted message/);
  });

  it.each(runbooks.map(({ path, text }) => [basename(path), text] as const))('U1: %s starts from what is seen, and has every section in order', (_, text) => {
    expect(quotedMessages(text.split('\n## ')[0] ?? '').length).toBeGreaterThan(0);
    expect([...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual(SECTIONS);
  });

  it('U1: the index leads to every page', () => {
    expect([...index.matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, page]) => page)).toEqual(expect.arrayContaining(runbooks.map(({ path }) => basename(path))));
  });
});
