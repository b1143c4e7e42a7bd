// What a person or a CI job asks for, checked whole before anything happens (F5).
import { z } from 'zod';
import { buildIdProblem } from './names.ts';
import { LIFECYCLES } from './tiers.ts';

const identity = {
  environment: z.string().min(1),
  lifecycle: z.enum(LIFECYCLES),
  buildId: z.string().nullable(),
};

const origin = {
  /** Who asks: a person or a CI job, for the audit and the search attribute. */
  requester: z.string().min(1),
  commit: z.string().optional(),
  /** What a stage that fails for good does: end the run, or wait for an operator's retry or abort. */
  onFailure: z.enum(['fail', 'wait']),
};

export const bootstrapRequestSchema = z.strictObject({ ...identity, ...origin }).superRefine(checkBuildId);
/** `reason`: why the platform goes; whoever followed a bootstrap that it interrupts is told so. */
export const teardownRequestSchema = z.strictObject({ ...identity, ...origin, reason: z.string().min(1).optional() }).superRefine(checkBuildId);
export type BootstrapRequest = z.infer<typeof bootstrapRequestSchema>;
export type TeardownRequest = z.infer<typeof teardownRequestSchema>;

function checkBuildId(request: { lifecycle: (typeof LIFECYCLES)[number]; buildId: string | null }, context: z.RefinementCtx): void {
  const issue = (message: string) => { context.addIssue({ code: 'custom', path: ['buildId'], message }); };
  if (request.lifecycle === 'persistent') {
    if (request.buildId !== null) issue(`is ${request.buildId}, but a persistent platform has no build id: leave it out, or ask for lifecycle ephemeral`);
    return;
  }
  if (request.buildId === null) { issue('is missing: an ephemeral platform needs one, DD-MM-YY-NN, e.g. 23-01-26-01'); return; }
  const problem = buildIdProblem(request.buildId);
  if (problem !== undefined) issue(`${request.buildId} ${problem}`);
}

/** One line a problem: the field, what was given, what is wrong with it. */
export function problemsOf(error: z.ZodError, source: string): string[] {
  return error.issues.map((issue) => `${source}: ${issue.path.length === 0 ? '(whole)' : issue.path.join('.')}: ${issue.message}`);
}
