// What a person or a CI job asks for, checked whole before anything happens (F5).
import { z } from 'zod';
import { buildIdProblem } from './names.ts';
import type { Operation } from './stages.ts';
import { type Lifecycle, LIFECYCLES } from './tiers.ts';

const identity = {
  environment: z.string().min(1),
  lifecycle: z.enum(LIFECYCLES),
  buildId: z.string().nullable(),
};

const origin = {
  /** Who asks: a person or a CI job, for the audit and the search attribute. */
  requester: z.string().min(1),
  commit: z.string().optional(),
};

/** `onFailure`: what a stage that fails for good does: end the run, wait for an operator's retry or abort, or end it and tear down what it made. */
export const bootstrapRequestSchema = z.strictObject({ ...identity, ...origin, onFailure: z.enum(['fail', 'wait', 'teardown']) }).superRefine((request, context) => {
  checkBuildId(request, context);
  if (request.lifecycle === 'persistent' && request.onFailure === 'teardown') context.addIssue({ code: 'custom', path: ['onFailure'], message: 'is not for a persistent platform: none tears itself down' });
});
/** `reason`: why the platform goes; whoever followed a bootstrap that it interrupts is told so. */
export const teardownRequestSchema = z.strictObject({ ...identity, ...origin, onFailure: z.enum(['fail', 'wait']), reason: z.string().min(1).optional() }).superRefine(checkBuildId);
export type BootstrapRequest = z.infer<typeof bootstrapRequestSchema>;
export type TeardownRequest = z.infer<typeof teardownRequestSchema>;

/** What a stage that fails for good does where nobody said: a bootstrap from CI must know at once; half a teardown wants a person, and so does a persistent platform, which people live on. */
export function defaultOnFailure(operation: Operation, lifecycle: Lifecycle): 'fail' | 'wait' {
  return operation === 'bootstrap' && lifecycle === 'ephemeral' ? 'fail' : 'wait';
}

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
