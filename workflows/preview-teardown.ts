// The dry run of a teardown: reads what it would read, changes nothing, and so holds no lock (X5, item 8).
import { ApplicationFailure } from '@temporalio/workflow';
import { externalDnsProblems, whyNoExternalDns } from '../domain/external-dns.ts';
import { goneSubject } from '../domain/kubernetes-gone.ts';
import { planProblem } from '../domain/plan.ts';
import { type TeardownPreview, teardownPreview } from '../domain/teardown-preview.ts';
import { describe, isOperational } from './failures.ts';
import { isSilent } from './kubernetes-gone.ts';
import type { PreviewInput } from './messages.ts';
import { policies } from './policies.ts';

/** What a teardown of the plan would do now. Fails with an ApplicationFailure of the one list, its problems as the first detail. */
export async function previewTeardown({ plan, requester }: PreviewInput): Promise<TeardownPreview> {
  const changed = planProblem(plan);
  if (changed !== undefined) throw ApplicationFailure.create({ type: 'InvalidInput', message: changed, nonRetryable: true });
  try {
    return await preview({ plan, requester });
  } catch (error) {
    if (!isOperational(error)) throw error;
    const { type, message, problems } = describe(error);
    throw ApplicationFailure.create({ type, message, nonRetryable: true, details: [problems] });
  }
}

async function preview({ plan, requester }: PreviewInput): Promise<TeardownPreview> {
  const { target, registry } = plan;
  const { look, zoneLook } = policies(plan.timings);
  const [{ platform, kubernetesGone }, memory, { zone }, listing, recordProtections, foundation] = await Promise.all([
    inventory(),
    look.readRegistry('Read the recorded zone', { target, registry, policy: plan.breakGlass }),
    zoneLook.readZone('Read the hosted zone', { target }),
    zoneLook.listZone('Records of the platform', { target }),
    zoneLook.listRecordProtections('Read the record set protections', { target }),
    look.readFoundation('Read what stays', { target }),
  ]);
  const answers = platform.kubernetes === 'answers';
  const [sources, drain] = answers
    ? await Promise.all([look.listDnsSources('DNS sources', { target }), look.readDrainObjects('Objects of the applications, and volumes', { target })])
    : [[], { managed: {}, claims: [], keptVolumes: [] }];
  const { owned, recordCount } = listing;
  const needless = whyNoExternalDns({ records: owned.length, sources: sources.length, enabled: plan.externalDns.enabled, kubernetes: platform.kubernetes });
  const problems = needless === undefined ? await externalDnsFindings() : [];
  const readings = { platform, zone, ...memory, kubernetesGone, owned, recordCount, recordProtections, sources, drain, foundation, externalDnsProblems: problems };
  return teardownPreview(plan, readings, { requester, now: Date.now() });

  /** An API that does not answer stops a teardown, unless people decide to go without it; what AWS knows is shown all the same. */
  async function inventory() {
    try {
      return { platform: await look.readInventory('Read what the platform owns', { target }), kubernetesGone: null };
    } catch (error) {
      if (!isSilent(error)) throw error;
      return { platform: await look.readInventory('Read what AWS knows of the platform', { target, withoutKubernetes: true }), kubernetesGone: { problem: describe(error).message, subject: goneSubject(target) } };
    }
  }

  async function externalDnsFindings(): Promise<string[]> {
    const { state, expectedRoleArn, roleProblems } = await look.readExternalDns('Policy, owner, filter and role of ExternalDNS', { target });
    return [...externalDnsProblems(state, target, expectedRoleArn), ...roleProblems];
  }
}
