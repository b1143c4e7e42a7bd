// `goldenpath approve` and `goldenpath deny`: an approver's decision on what a run asks (B1, B2).
import { Command } from 'commander';
import { claimsFor, type DecisionClaims, type DecisionInput, DECISIONS } from '../../domain/break-glass.ts';
import { MEANING } from '../../domain/details.ts';
import { connect } from '../connection.ts';
import { type Asked, checkAllowed, checkSaid, isCompactJws, readJws, type Said, signDecision } from '../decision-request.ts';
import { readAsked, sendDecision } from '../decisions.ts';
import { readGiven } from '../files.ts';
import { approverOf, readSigningKey, type SigningKey } from '../keys.ts';
import { allOf, type InputProblem, InputRefused } from '../problems.ts';
import type { RunRef } from '../runs.ts';
import { EXIT } from './exit.ts';
import { originOf, type OutputOptions, runs, type TargetOptions, withOutput, withTarget } from './options.ts';
import type { Paint, Printer } from './print.ts';
import { askedLines, outcomeLines, sayingLine } from './render-decisions.ts';
import { RUN_HELP, runOf } from './run-ref.ts';

export interface SayingOptions {
  decision?: string;
  reason?: string;
  ticket?: string;
  key?: string;
  approver?: string;
}
type Options = TargetOptions & OutputOptions & SayingOptions & { jws?: string };

/** What an answer is made of: a decision made elsewhere, or what it takes to make one. */
type Answer = { jws: string; claims: DecisionClaims } | { said: Said; key: SigningKey | undefined };

const KEY_HELP = 'your Ed25519 private key, PEM; - for stdin';

/** The options with which an approver says something. */
export function withSaying(command: Command, { decision }: { decision: boolean }): Command {
  if (decision) command.option('--decision <decision>', `${DECISIONS.join(', ')}: one that the request allows`);
  return command
    .option('--reason <text>', 'why, for the receipt and the audit trail')
    .option('--ticket <id>', 'the ticket under which this was agreed')
    .option('--key <file>', KEY_HELP)
    .option('--approver <name>', 'who decides (default: whose key it is, by the environment file)');
}

export function approveCommand(): Command {
  const command = withSaying(withOutput(withTarget(new Command('approve'))).argument('[run]', RUN_HELP), { decision: true })
    .description('decide what a run asks approvers: look longer, delete or leave the records in the way, lift protections, or end it')
    .option('--jws <decision>', 'a decision that `goldenpath sign` made elsewhere: the text, a file, or - for stdin; alone it names its run itself')
    .addHelpText('after', `
Decisions, where the run allows them (\`goldenpath status\` shows which):
${DECISIONS.map((decision) => `  ${decision.padEnd(8)}${MEANING[decision]}`).join('\n')}
\`goldenpath deny\` says abort.

All of what is decided is shown before it is sent. Whoever asked for the run may not approve; without --key the
approver is --approver, GOLDENPATH_REQUESTER, GITHUB_ACTOR or the user of this machine, and the environment must
take unsigned decisions. A decision that the run refuses ends with 4 and the reason; it is on record all the same.

Examples:
  goldenpath approve --env dev --build-id 23-01-26-01 --decision repair --reason 'ExternalDNS is gone' --ticket OPS-12 --key bob.key
  goldenpath approve goldenpath-dev-eks-23-01-26-01 --decision leave --reason 'kept for the auditor' --ticket OPS-13 --approver bob
  openssl pkey -in bob.enc.key | goldenpath approve --env dev --build-id 23-01-26-01 --decision wait --reason 'DNS is slow' --ticket OPS-14 --key -
  goldenpath approve --jws decision.jws`);
  return runs<Options>(command, (options, printer, [name]) => decide(options, printer, name));
}

export function denyCommand(): Command {
  const command = withSaying(withOutput(withTarget(new Command('deny'))).argument('[run]', RUN_HELP), { decision: false })
    .description('end a run that asks for a decision, as an approver: one is enough, nothing further is changed')
    .addHelpText('after', `
The same as \`goldenpath approve --decision abort\`: signed, checked and on record, which \`goldenpath abort\` is not.

Examples:
  goldenpath deny --env dev --build-id 23-01-26-01 --reason 'these records are in use' --ticket OPS-12 --key bob.key
  goldenpath deny goldenpath-dev-eks-23-01-26-01 --reason 'wrong cluster' --ticket OPS-13 --approver bob`);
  return runs<Options>(command, (options, printer, [name]) => decide({ ...options, decision: 'abort' }, printer, name));
}

async function decide(options: Options, printer: Printer, name: string | undefined): Promise<number> {
  const [answer, named] = await allOf(() => answerOf(options), () => namedRun(options, name));
  if ('key' in answer) printer.message(...warningLines(answer.key, printer.paintMessage));
  const contact = await connect();
  try {
    const { ref, ...asked } = await readAsked(contact.client, named ?? { workflowId: 'claims' in answer ? answer.claims.workflowId : '' });
    printer.message(...askedLines(asked, printer.paintMessage, Date.now()));
    const { input, claims, how } = 'jws' in answer ? { input: { jws: answer.jws }, claims: answer.claims, how: 'signed elsewhere' } : await answerTo(asked, answer, options);
    printer.message(sayingLine(claims, how));
    const report = await sendDecision(contact.client, ref, input);
    printer.message(...outcomeLines(report, { request: asked.request, claims }));
    if (printer.format === 'json') printer.document(report);
    return EXIT.ok;
  } finally {
    await contact.close();
  }
}

/** The run that was named; a decision made elsewhere names its own where none was. */
async function namedRun(options: Options, name: string | undefined): Promise<RunRef | undefined> {
  const isNamed = [name, options.env, options.buildId, options.lifecycle].some((part) => part !== undefined);
  return isNamed || options.jws === undefined ? runOf(name, options, process.env) : undefined;
}

/** What should be mended about a key that can be used. */
export function warningLines(key: SigningKey | undefined, paint: Paint): string[] {
  return (key?.warnings ?? []).map((warning) => `${paint('yellow', 'Warning')}: ${warning}`);
}

async function answerOf(options: Options): Promise<Answer> {
  const { jws } = options;
  if (jws === undefined) {
    const [said, key] = await allOf(() => checkSaid(options), () => keyOf(options));
    return { said, key };
  }
  const beside = (['decision', 'reason', 'ticket', 'key', 'approver'] as const).filter((option) => options[option] !== undefined);
  if (beside.length > 0) throw new InputRefused(beside.map((option): InputProblem => ({ field: `--${option}`, given: options[option], problem: 'says again what --jws says already', fix: `leave out --${option}: the signed decision holds all of it` })));
  const given = isCompactJws(jws) ? 'as text' : jws;
  return readJws(isCompactJws(jws) ? jws : await readGiven(jws, { field: '--jws', allowed: 'a compact JWS as text, a file that holds one, or - for stdin', fix: 'make one with `goldenpath sign`' }), given);
}

/** The key that was named, if one was. */
async function keyOf({ key }: SayingOptions): Promise<SigningKey | undefined> {
  return key === undefined ? undefined : readSigningKey(key);
}

async function answerTo(asked: Asked, { said, key }: { said: Said; key: SigningKey | undefined }, options: Options): Promise<{ input: DecisionInput; claims: DecisionClaims; how: string }> {
  const { request } = asked;
  checkAllowed(asked, said.decision);
  const approver = await approverOf(options.approver, key, { environment: request.environment, fallback: originOf({}, process.env).requester, env: process.env });
  const claims = claimsFor(request, { ...said, approver });
  if (key !== undefined) return { input: { jws: await signDecision(claims, key.key) }, claims, how: `signed with ${key.path}` };
  if (request.signatures === 'optional') return { input: { claims }, claims, how: 'unsigned' };
  throw new InputRefused([{ field: '--key', problem: `is missing: ${request.environment} takes signed decisions only`, allowed: 'the Ed25519 private key of an approver', fix: 'name your key with --key FILE, or have the decision made with `goldenpath sign` where the key is, and send it with --jws' }]);
}
