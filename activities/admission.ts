// The guards inside the cluster: admission policies made from the rules of `goldenpath check`, seen to refuse before anything of a tier comes (G1, D1).
import { admissionPolicies, policyName } from '../domain/manifests/admission.ts';
import { REFUSED_SAMPLES } from '../domain/manifests/samples.ts';
import type { ManifestScope } from '../domain/manifests/scope.ts';
import type { ClusterClient } from './kubernetes-client.ts';
import { awaitFinding } from './kubernetes-watch.ts';
import { inGroups } from './pages.ts';

/** The API server enforces a policy about 0.3 s after it was created (facts.md § Admission policies). */
const ENFORCED_POLL_MS = 200;
/** Policies that are applied, and samples that are tried, at once. */
const AT_ONCE = 4;

/** Applies every policy with its binding, and waits until the API server refuses what each must refuse. Idempotent: a changed scope takes the place of the old one. */
export async function applyAdmissionPolicies(cluster: ClusterClient, scope: ManifestScope): Promise<string[]> {
  const policies = admissionPolicies(scope);
  for (const group of inGroups(policies, AT_ONCE)) {
    await Promise.all(group.map(async ({ policy, binding }) => {
      await cluster.apply(policy);
      await cluster.apply(binding);
    }));
  }
  await awaitFinding('admission policies to be enforced', async () => {
    const idle = await withoutEffect(cluster);
    return idle.length === 0 ? { done: true, result: undefined } : { done: false, waitingFor: idle.map((name) => `ValidatingAdmissionPolicy ${name} to refuse its sample`) };
  }, { everyMs: ENFORCED_POLL_MS });
  return [`${policies.length} admission policies hold names to ${scope.hostSuffix}, tiers to ${scope.maxTier}, images to the version manifest`];
}

/** Names of the policies that let their sample pass. A refusal by anybody else is none of theirs. */
async function withoutEffect(cluster: ClusterClient): Promise<string[]> {
  const idle: string[] = [];
  for (const group of inGroups(REFUSED_SAMPLES, AT_ONCE)) {
    const refusals = await Promise.all(group.map(({ object }) => cluster.refusal(object)));
    idle.push(...group.map(policyName).filter((name, index) => refusals[index]?.includes(`ValidatingAdmissionPolicy '${name}'`) !== true));
  }
  return idle;
}
