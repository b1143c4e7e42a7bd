// `goldenpath oidc apply`: realm and OIDC clients in Keycloak, as a Job of the application oidc-config runs it in the cluster (T, tier 3).
import { Command } from 'commander';
import { OIDC_CLIENTS } from '../../domain/oidc.ts';
import { openKeycloak } from '../keycloak.ts';
import { applyOidc, type OidcStep } from '../oidc.ts';
import { type InputProblem, InputRefused } from '../problems.ts';
import { EXIT } from './exit.ts';
import { type OutputOptions, runs, withOutput } from './options.ts';
import type { Paint } from './print.ts';

export function oidcCommand(): Command {
  return new Command('oidc')
    .description('realm and OIDC clients of a persistent platform, in Keycloak')
    .addHelpText('after', '\nExample:\n  goldenpath oidc apply --help')
    .addCommand(applyCommand());
}

function applyCommand(): Command {
  const command = withOutput(new Command('apply'))
    .description('make realm goldenpath and its clients in Keycloak, or bring them to what they ought to be; a second run changes nothing')
    .addHelpText('after', `
The application oidc-config runs this in the cluster. Everything comes from the environment, so that no secret is in a command line:
  KEYCLOAK_URL, KEYCLOAK_ADMIN_USERNAME, KEYCLOAK_ADMIN_PASSWORD
  GOLDENPATH_HOST_SUFFIX     the platform's host suffix, e.g. dev.example.org
  ${OIDC_CLIENTS.map(({ clientId }) => secretVariable(clientId)).join(', ')}     the clients' secrets

Example:
  KEYCLOAK_URL=http://keycloak.keycloak:8080 … goldenpath oidc apply -o json`);
  return runs<OutputOptions>(command, async (_, printer) => {
    const { url, username, password, hostSuffix, secrets } = settingsOf(process.env);
    const steps = await applyOidc(await openKeycloak({ url, username, password }), { hostSuffix, secrets });
    if (printer.format === 'json') printer.document({ schema: 1, state: 'configured', steps });
    else printer.data(...steps.map((step) => stepLine(step, printer.paint)));
    return EXIT.ok;
  });
}

function secretVariable(clientId: string): string {
  return `OIDC_SECRET_${clientId.toUpperCase()}`;
}

/** Throws InputRefused with every variable that is missing or malformed; a value is shown only where it is no secret. */
function settingsOf(env: NodeJS.ProcessEnv): { url: string; username: string; password: string; hostSuffix: string; secrets: Record<string, string> } {
  const problems: InputProblem[] = [];
  const given = (name: string, allowed: string) => {
    const value = env[name] ?? '';
    if (value === '') problems.push({ field: name, problem: 'is not set', allowed, fix: 'set the environment variable; in the cluster the chart oidc-config does' });
    return value;
  };
  const url = given('KEYCLOAK_URL', 'the address of Keycloak, e.g. http://keycloak.keycloak:8080');
  const [username, password] = [given('KEYCLOAK_ADMIN_USERNAME', 'a login'), given('KEYCLOAK_ADMIN_PASSWORD', 'its password')];
  const hostSuffix = given('GOLDENPATH_HOST_SUFFIX', 'a DNS name, e.g. dev.example.org');
  const secrets = Object.fromEntries(OIDC_CLIENTS.map(({ clientId }) => [clientId, given(secretVariable(clientId), `the secret of client ${clientId}`)]));
  if (url !== '' && !/^https?:$/.test(URL.parse(url)?.protocol ?? '')) problems.push({ field: 'KEYCLOAK_URL', given: url, problem: 'is no address', allowed: 'http://… or https://…', fix: 'correct the environment variable' });
  if (hostSuffix !== '' && !/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(hostSuffix)) problems.push({ field: 'GOLDENPATH_HOST_SUFFIX', given: hostSuffix, problem: 'is no DNS name', allowed: 'lower-case labels and dots', fix: 'correct the environment variable' });
  if (problems.length > 0) throw new InputRefused(problems);
  return { url, username, password, hostSuffix, secrets };
}

function stepLine({ kind, name, done, fields }: OidcStep, paint: Paint): string {
  return `${paint('green', '✔')} ${kind} ${name}: ${done}${fields.length === 0 ? '' : ` (${fields.join(', ')})`}`;
}
