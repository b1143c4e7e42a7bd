// `goldenpath oidc apply|allow`: realm and OIDC clients in Keycloak, as a Job of the application oidc-config runs it in the cluster (T, tier 3), and the addresses of a build's Backstage (T4).
import { Command } from 'commander';
import { OIDC_CLIENTS } from '../../domain/oidc.ts';
import { BUILDS_CLIENT_ID } from '../../domain/platform-secrets.ts';
import { openKeycloak } from '../keycloak.ts';
import { allowBuild, applyOidc, type BuildStep, type OidcStep } from '../oidc.ts';
import { allOf, type InputProblem, InputRefused } from '../problems.ts';
import { prepareTarget } from '../request.ts';
import { EXIT } from './exit.ts';
import { askedOf, type OutputOptions, runs, withOutput } from './options.ts';
import type { Paint } from './print.ts';

type AllowOptions = OutputOptions & { env?: string; buildId?: string; remove?: boolean };

export function oidcCommand(): Command {
  return new Command('oidc')
    .description('realm and OIDC clients of a persistent platform, in Keycloak')
    .addHelpText('after', '\nExamples:\n  goldenpath oidc apply --help\n  goldenpath oidc allow --env dev --build-id 23-01-26-01')
    .addCommand(applyCommand())
    .addCommand(allowCommand());
}

function applyCommand(): Command {
  const command = withOutput(new Command('apply'))
    .description('make realm goldenpath and its clients in Keycloak, or bring them to what they ought to be; a second run changes nothing')
    .addHelpText('after', `
The application oidc-config runs this in the cluster. Everything comes from the environment, so that no secret is in a command line:
  KEYCLOAK_URL, KEYCLOAK_ADMIN_USERNAME, KEYCLOAK_ADMIN_PASSWORD
  GOLDENPATH_HOST_SUFFIX     the platform's host suffix, e.g. dev.example.org
  ${OIDC_CLIENTS.map(({ clientId }) => secretVariable(clientId)).join(', ')}     the clients' secrets
  ${secretVariable(BUILDS_CLIENT_ID)}     of the builds' Backstage; only where the environment enables it

Example:
  KEYCLOAK_URL=http://keycloak.keycloak:8080 … goldenpath oidc apply -o json`);
  return runs<OutputOptions>(command, async (_, printer) => {
    const { hostSuffix, secrets, ...login } = settingsOf(process.env);
    const steps = await applyOidc(await openKeycloak(login), { hostSuffix, secrets });
    if (printer.format === 'json') printer.document({ schema: 1, state: 'configured', steps });
    else printer.data(...steps.map((step) => stepLine(step, printer.paint)));
    return EXIT.ok;
  });
}

function allowCommand(): Command {
  const command = withOutput(new Command('allow'))
    .description('let the Backstage of a build log people in through the persistent platform’s Keycloak: enter its address in the client backstage-builds; a second run changes nothing')
    .option('-e, --env <name>', 'environment: a file of environments/, e.g. dev')
    .option('--build-id <DD-MM-YY-NN>', 'the build, e.g. 23-01-26-01')
    .option('--remove', 'take the address away again')
    .addHelpText('after', `
Asks Keycloak alone; the build need not be there yet, or any more. One at a time: Keycloak keeps all builds' addresses in one list.
  KEYCLOAK_URL, KEYCLOAK_ADMIN_USERNAME, KEYCLOAK_ADMIN_PASSWORD     as for oidc apply, of the environment's persistent platform

Examples:
  KEYCLOAK_URL=https://keycloak.dev.example.org … goldenpath oidc allow --env dev --build-id 23-01-26-01
  KEYCLOAK_URL=https://keycloak.dev.example.org … goldenpath oidc allow --env dev --build-id 23-01-26-01 --remove -o json`);
  return runs<AllowOptions>(command, async (options, printer) => {
    const remove = options.remove === true;
    const [{ environment, hostSuffix }, login] = await allOf(() => buildOf(options), () => keycloakOf(process.env));
    const step = await allowBuild(await openKeycloak(login), { environment, hostSuffix, remove });
    if (printer.format === 'json') printer.document({ schema: 1, state: remove ? 'removed' : 'allowed', ...step });
    else printer.data(buildLine(step, printer.paint));
    return EXIT.ok;
  });
}

/** The build's host suffix. Throws InputRefused where its environment does not enable Backstage for builds; to take an address away it need not. */
async function buildOf(options: AllowOptions): Promise<{ environment: string; hostSuffix: string }> {
  const { target: { environment, hostSuffix }, backstage } = await prepareTarget(askedOf(options), process.env);
  if (backstage !== undefined || options.remove === true) return { environment, hostSuffix };
  throw new InputRefused([{ field: `environments/${environment}.yaml: backstage.ephemeral`, problem: 'is not set: ephemeral platforms of this environment have no Backstage', allowed: 'true', fix: 'set it, and bootstrap the persistent platform again, which makes the client in Keycloak' }]);
}

function secretVariable(clientId: string): string {
  return `OIDC_SECRET_${clientId.toUpperCase().replaceAll('-', '_')}`;
}

interface KeycloakLogin {
  url: string;
  username: string;
  password: string;
}

/** Throws InputRefused with every variable that is missing or malformed; a value is shown only where it is no secret. */
function settingsOf(env: NodeJS.ProcessEnv): KeycloakLogin & { hostSuffix: string; secrets: Record<string, string> } {
  const problems: InputProblem[] = [];
  const login = readLogin(env, problems);
  const hostSuffix = given(env, problems, 'GOLDENPATH_HOST_SUFFIX', 'a DNS name, e.g. dev.example.org');
  const clientIds = [...OIDC_CLIENTS.map(({ clientId }) => clientId), ...(env[secretVariable(BUILDS_CLIENT_ID)] === undefined ? [] : [BUILDS_CLIENT_ID])];
  const secrets = Object.fromEntries(clientIds.map((clientId) => [clientId, given(env, problems, secretVariable(clientId), `the secret of client ${clientId}`)]));
  if (hostSuffix !== '' && !/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(hostSuffix)) problems.push({ field: 'GOLDENPATH_HOST_SUFFIX', given: hostSuffix, problem: 'is no DNS name', allowed: 'lower-case labels and dots', fix: 'correct the environment variable' });
  if (problems.length > 0) throw new InputRefused(problems);
  return { ...login, hostSuffix, secrets };
}

/** The same for a command that asks Keycloak and nothing else of the environment. */
function keycloakOf(env: NodeJS.ProcessEnv): KeycloakLogin {
  const problems: InputProblem[] = [];
  const login = readLogin(env, problems);
  if (problems.length > 0) throw new InputRefused(problems);
  return login;
}

function readLogin(env: NodeJS.ProcessEnv, problems: InputProblem[]): KeycloakLogin {
  const url = given(env, problems, 'KEYCLOAK_URL', 'the address of Keycloak, e.g. http://keycloak.keycloak:8080');
  const [username, password] = [given(env, problems, 'KEYCLOAK_ADMIN_USERNAME', 'a login'), given(env, problems, 'KEYCLOAK_ADMIN_PASSWORD', 'its password')];
  if (url !== '' && !/^https?:$/.test(URL.parse(url)?.protocol ?? '')) problems.push({ field: 'KEYCLOAK_URL', given: url, problem: 'is no address', allowed: 'http://… or https://…', fix: 'correct the environment variable' });
  return { url, username, password };
}

/** The variable's value; where it has none, '' and a problem more. */
function given(env: NodeJS.ProcessEnv, problems: InputProblem[], name: string, allowed: string): string {
  const value = env[name] ?? '';
  if (value === '') problems.push({ field: name, problem: 'is not set', allowed, fix: 'set the environment variable; in the cluster the chart oidc-config does' });
  return value;
}

function buildLine({ client, redirectUri, done }: BuildStep, paint: Paint): string {
  return `${paint('green', '✔')} client ${client}: ${redirectUri} ${done}`;
}

function stepLine({ kind, name, done, fields }: OidcStep, paint: Paint): string {
  return `${paint('green', '✔')} ${kind} ${name}: ${done}${fields.length === 0 ? '' : ` (${fields.join(', ')})`}`;
}
