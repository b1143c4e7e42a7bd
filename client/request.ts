// From what a person typed to a plan and a request, with every problem found on the way reported at once (F1, F5).
import type { z } from 'zod';
import type { Environment } from '../domain/environment.ts';
import { GoldenpathError } from '../domain/errors.ts';
import { makePlan, type Plan } from '../domain/plan.ts';
import { type BootstrapRequest, bootstrapRequestSchema, defaultOnFailure, type TeardownRequest, teardownRequestSchema } from '../domain/request.ts';
import type { Operation } from '../domain/stages.ts';
import { LIFECYCLES } from '../domain/tiers.ts';
import { environmentsFolder, knownEnvironments, type Read, readEnvironment, readVersions, shownPath } from './files.ts';
import { type InputProblem, InputRefused } from './problems.ts';

/** A platform as it was typed: nothing is checked yet. */
export interface Asked {
  environment?: string | undefined;
  lifecycle?: string | undefined;
  buildId?: string | undefined;
}

export interface AskedRun extends Asked {
  operation: Operation;
  requester: string;
  commit?: string | undefined;
  onFailure?: string | undefined;
  /** Of a teardown: why. */
  reason?: string | undefined;
}

export interface Prepared {
  plan: Plan;
  /** A bootstrap's or a teardown's, as the plan's operation says. */
  request: BootstrapRequest | TeardownRequest;
}

/** The words for each field of a request: option, what is allowed, what to do. */
const FIELDS: Record<string, { option: string; allowed: string; fix: string }> = {
  lifecycle: { option: '--lifecycle', allowed: LIFECYCLES.join(', '), fix: 'ephemeral platforms are disposable builds, the persistent one is the environment itself' },
  buildId: { option: '--build-id', allowed: 'DD-MM-YY-NN for an ephemeral platform, none for a persistent one', fix: 'an ephemeral platform takes the date of the build and its number on that day, e.g. --build-id 23-01-26-01' },
  requester: { option: '--requester', allowed: 'a name', fix: 'say who asks: --requester or GOLDENPATH_REQUESTER' },
  reason: { option: '--reason', allowed: 'a sentence', fix: 'say why the platform goes, or leave it out' },
  onFailure: { option: '--on-failure', allowed: 'fail, wait; teardown for the bootstrap of an ephemeral platform', fix: 'fail ends the run at a stage that fails for good, wait keeps it for an operator, teardown ends it and removes what it made' },
};
/** A value for each field that is always allowed: what is left to check shows beside what failed already. */
const NEUTRAL = { environment: 'dev', lifecycle: 'ephemeral', buildId: null, requester: 'nobody', onFailure: 'fail' } as const;

/** Makes the plan and the request. Throws InputRefused with every problem of request, environment file and version manifest. */
export async function prepare(asked: AskedRun, env: NodeJS.ProcessEnv): Promise<Prepared> {
  const folder = environmentsFolder(env);
  const [environment, versions] = await Promise.all([findEnvironment(folder, asked.environment), readVersions(folder)]);
  const checked = checkRequest(asked);
  const problems = [...environment.problems, ...checked.problems, ...versions.problems];
  if (problems.length > 0 || environment.value === undefined || versions.value === undefined || checked.value === undefined) throw new InputRefused(problems);
  const request = { ...checked.value, environment: environment.value.name };
  try {
    const plan = makePlan({ operation: asked.operation, environment: environment.value, lifecycle: request.lifecycle, buildId: request.buildId, versions: versions.value });
    return { plan, request };
  } catch (error) {
    if (!(error instanceof GoldenpathError) || error.type !== 'InvalidInput') throw error;
    const field = `environments/${request.environment}.yaml: dns.zone`;
    throw new InputRefused(error.problems.map((problem) => ({ field, given: environment.value.dns.zone, problem, allowed: 'a zone that contains the host suffix of the platform', fix: 'correct the zone of the environment' })));
  }
}

/** The platform's plan for commands that only need to know which run is meant; same checks, no request. */
export async function prepareTarget(asked: Asked, env: NodeJS.ProcessEnv): Promise<Plan> {
  const { plan } = await prepare({ ...asked, operation: 'bootstrap', requester: NEUTRAL.requester, onFailure: NEUTRAL.onFailure }, env);
  return plan;
}

/** The environment of that name, or every problem with it. */
export async function findEnvironment(folder: string, name: string | undefined): Promise<Read<Environment>> {
  const known = await knownEnvironments(folder);
  if (known.value === undefined) return { problems: known.problems };
  const allowed = known.value.join(', ');
  const fix = `choose one of these, or describe it in ${shownPath(folder)}/<name>.yaml`;
  if (name === undefined || name === '') return { problems: [{ field: '--env', problem: 'is missing', allowed, fix }] };
  if (!known.value.includes(name)) return { problems: [{ field: '--env', given: name, problem: 'is not an environment', allowed, fix }] };
  return readEnvironment(folder, name);
}

function checkRequest(asked: AskedRun): { value?: BootstrapRequest | TeardownRequest; problems: InputProblem[] } {
  const schema = asked.operation === 'bootstrap' ? bootstrapRequestSchema : teardownRequestSchema;
  const given: Record<string, unknown> = {
    environment: NEUTRAL.environment, // judged against the files, not here
    lifecycle: asked.lifecycle ?? 'ephemeral',
    buildId: asked.buildId ?? null,
    requester: asked.requester,
    onFailure: asked.onFailure ?? defaultOnFailure(asked.operation, asked.lifecycle === 'persistent' ? 'persistent' : 'ephemeral'),
    ...(asked.commit === undefined ? {} : { commit: asked.commit }),
    ...(asked.reason === undefined ? {} : { reason: asked.reason }),
  };
  const parsed = schema.safeParse(given);
  if (parsed.success) return { value: parsed.data, problems: [] };
  const ofFields = parsed.error.issues.filter(({ code }) => code !== 'custom');
  const issues = ofFields.length === 0 ? parsed.error.issues : [...ofFields, ...acrossFields(schema, given, ofFields)];
  return { problems: issues.map(({ path, message, code }) => inputProblem(String(path[0]), given, code === 'invalid_value' ? 'is not one of these' : message)) };
}

/** The checks across fields run only once each field is sound: neutral values take the place of the ones that are not. */
function acrossFields(schema: z.ZodType, given: Record<string, unknown>, unsound: z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  const fields = new Set(unsound.map(({ path }) => path[0]));
  const neutral = Object.fromEntries(Object.entries(NEUTRAL).filter(([field]) => fields.has(field)));
  return schema.safeParse({ ...given, ...neutral }).error?.issues ?? [];
}

function inputProblem(field: string, given: Record<string, unknown>, message: string): InputProblem {
  const { option, allowed, fix } = FIELDS[field] ?? { option: field, allowed: 'see --help', fix: 'see --help' };
  const value = given[field];
  if (typeof value !== 'string' || value === '') return { field: option, problem: message, allowed, fix };
  return { field: option, given: value, problem: message.replace(`${value} `, ''), allowed, fix };
}
