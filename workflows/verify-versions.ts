// Compares the version manifest with a running platform: reads, judges, changes nothing, and so holds no lock (C1, G1, A2).
import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import { planProblem } from '../domain/plan.ts';
import { signatureChecks, signatureDemands } from '../domain/signatures.ts';
import { versionsReport, type VersionsReport } from '../domain/version-drift.ts';
import type { MANIFESTS } from '../domain/versions.ts';
import { describe } from './failures.ts';
import type { VerifyVersionsInput } from './messages.ts';
import { policies } from './policies.ts';

/** Every item, as pinned or not. Fails where anything could not be read: "as pinned" is said of a complete look only (failure 36). */
export async function verifyVersions({ plan }: VerifyVersionsInput): Promise<VersionsReport> {
  const changed = planProblem(plan);
  if (changed !== undefined) throw ApplicationFailure.create({ type: 'InvalidInput', message: changed, nonRetryable: true });
  try {
    return await look({ plan });
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error; // a bug in workflow code
    const { type, message, problems } = describe(error);
    throw ApplicationFailure.create({ type, message, nonRetryable: true, details: [problems] });
  }
}

async function look({ plan }: VerifyVersionsInput): Promise<VersionsReport> {
  const { target, versions, timings } = plan;
  const { versionsLook, signatures } = policies(timings);
  const demands = signatureDemands(versions);
  const compare = (name: (typeof MANIFESTS)[number]) =>
    versionsLook.readPinnedManifest(`Objects of ${name} ${versions.manifests[name].version}`, { target, manifest: versions.manifests[name], ofArgoCd: name === 'argocd' });
  // First, and alone: of a platform that is not there nothing else need be asked.
  const eks = await versionsLook.readEksVersions('Kubernetes, node groups and add-ons', { target });
  const [running, argocd, externalSecretsCrds, certManagerCrds, signed] = await Promise.all([
    versionsLook.readRunningVersions('Nodes, applications and images', { target }),
    compare('argocd'),
    compare('externalSecretsCrds'),
    compare('certManagerCrds'),
    demands.length === 0 ? [] : signatures.verifySignatures(`Signatures (${demands.length})`, { demands }),
  ]);
  return versionsReport(plan, { eks, running, manifests: { argocd, externalSecretsCrds, certManagerCrds }, signatures: signatureChecks(signed) });
}
