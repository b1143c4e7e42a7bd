// `goldenpath sign`: makes a decision where the key is, without Temporal and without AWS (B2).
import { Command } from 'commander';
import { claimsFor } from '../../domain/break-glass.ts';
import { type Asked, askedIn, checkAllowed, checkAsked, checkSaid, signDecision } from '../decision-request.ts';
import { readGiven } from '../files.ts';
import { approverOf, readSigningKey, type SigningKey } from '../keys.ts';
import { allOf, InputRefused } from '../problems.ts';
import { type SayingOptions, warningLines, withSaying } from './decide.ts';
import { EXIT } from './exit.ts';
import { type OutputOptions, runs, withOutput } from './options.ts';
import { askedLines, sayingLine } from './render-decisions.ts';

type Options = OutputOptions & SayingOptions & { request?: string };

export function signCommand(): Command {
  const command = withSaying(withOutput(new Command('sign')), { decision: true })
    .description('sign a decision on a machine that reaches neither Temporal nor AWS; stdout gets the compact JWS alone')
    .option('--request <file>', 'the request as JSON, as `goldenpath status <run> -o json` prints it; - for stdin')
    .addHelpText('after', `
What is signed is shown on stderr first, every line of it. The signature holds for this run, this gate, this plan and
exactly these lines, until the request expires, and once. With -o json stdout gets the payload of the signal that the
Temporal UI and the Temporal CLI can send: {"jws":"…"}.

Examples:
  goldenpath status goldenpath-dev-eks-23-01-26-01 -o json | jq .report.waiting > request.json
  goldenpath sign --request request.json --decision repair --reason 'ExternalDNS is gone' --ticket OPS-12 --key bob.key --approver bob > decision.jws
  goldenpath approve --jws decision.jws
  goldenpath sign --request request.json --decision wait --reason 'DNS is slow' --ticket OPS-14 --key bob.key --approver bob -o json > payload.json
  temporal workflow signal --workflow-id platform/dev/goldenpath-dev-eks-23-01-26-01 --name decide-by-hand --input-file payload.json`);
  return runs<Options>(command, async (options, printer) => {
    const [asked, said, key] = await allOf(() => askedBy(options), () => checkSaid(options), () => keyOf(options));
    printer.message(...warningLines(key, printer.paintMessage), ...askedLines(asked, printer.paintMessage, Date.now()));
    checkAllowed(asked, said.decision);
    const approver = await approverOf(options.approver, key, { environment: asked.request.environment, fallback: '', env: process.env });
    const claims = claimsFor(asked.request, { ...said, approver });
    printer.message(sayingLine(claims, `signed with ${key.path}`));
    const jws = await signDecision(claims, key.key);
    if (printer.format === 'json') printer.line({ jws });
    else printer.data(jws);
    return EXIT.ok;
  });
}

async function askedBy({ request: file }: Options): Promise<Asked> {
  const field = '--request';
  const allowed = 'a file with a request for a decision as JSON, or - for stdin';
  const fix = 'take it from the run: goldenpath status <run> -o json';
  if (file === undefined) throw new InputRefused([{ field, problem: 'is missing', allowed, fix }]);
  const asked = askedIn(await readGiven(file, { field, allowed, fix }), file);
  checkAsked(asked, { field, now: Date.now() });
  return asked;
}

async function keyOf({ key, request }: Options): Promise<SigningKey> {
  const refused = (problem: string, fix: string) => new InputRefused([{ field: '--key', given: key, problem, allowed: 'a file with your Ed25519 private key, PEM', fix }]);
  if (key === undefined) throw refused('is missing', 'say with which key to sign: --key NAME.key');
  if (key === '-' && request === '-') throw refused('would be read from stdin, as --request is', 'put the request into a file');
  return readSigningKey(key);
}
