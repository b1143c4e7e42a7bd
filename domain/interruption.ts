// A teardown that takes over a bootstrap in flight: whether it may, and in which words it is told (X6). Pure.
import { z } from 'zod';
import { type Plan, planProblem, type Target } from './plan.ts';
import { problemsOf, type TeardownRequest, teardownRequestSchema } from './request.ts';

/** Who took a bootstrap over, why, and where that met it. */
export interface Interruption {
  by: string;
  reason: string;
  at: number;
  /** The stage that ran or waited then; null between two stages and after the last. */
  stage: string | null;
}

/** What makes two plans speak of one platform. Tags are left out: another release may tag otherwise, and has to be able to tear down. */
const IDENTITY = ['environment', 'lifecycle', 'buildId', 'cluster', 'region', 'accountId', 'zone', 'hostedZoneId', 'hostSuffix', 'ownerId', 'workflowId'] as const satisfies (keyof Target)[];

/** As much of the form as is relied on here; that nothing was changed in the rest, the hash says. */
const formSchema = z.looseObject({
  plan: z.looseObject({ schema: z.literal(1), operation: z.string(), hash: z.string(), target: z.looseObject({}) }),
  request: teardownRequestSchema,
});

/** Why this bootstrap does not give way to that teardown, or undefined where it does: a teardown's plan, of the same platform, as it was made. */
export function interruptionProblem(bootstrap: Plan, given: { plan: Plan; request: TeardownRequest }): string | undefined {
  const form = formSchema.safeParse(given);
  if (!form.success) return `this is not the plan and the request of a teardown: ${problemsOf(form.error, 'input').join('; ')}`;
  const { plan } = given;
  const missing = Object.keys(bootstrap).filter((field) => !(field in plan));
  if (missing.length > 0) return `the plan lacks ${missing.join(', ')}`;
  if (plan.operation !== 'teardown') return `the plan is of a ${plan.operation}; only a teardown takes a bootstrap over`;
  const others = IDENTITY.filter((field) => plan.target[field] !== bootstrap.target[field]);
  if (others.length > 0) return `the plan is of another platform: ${others.map((field) => `${field} is ${plan.target[field] ?? 'none'}, here it is ${bootstrap.target[field] ?? 'none'}`).join('; ')}`;
  return planProblem(plan);
}

/** One sentence for whoever followed the bootstrap. */
export function interruptionLine({ by, reason, stage }: Interruption): string {
  return `${by} had the platform torn down ${stage === null ? 'as the bootstrap ended' : `while the bootstrap was at stage ${stage}`}: ${reason}`;
}
