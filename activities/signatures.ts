// Whether what the version manifest demands a signature for is signed with the key that it names: fails closed (G1).
import { Context } from '@temporalio/activity';
import { GoldenpathError } from '../domain/errors.ts';
import type { SignatureDemand, SignatureFinding } from '../domain/signatures.ts';
import { blobProblem, imageProblem, publicKeyOf } from './cosign.ts';
import { loadFile, type ManifestSource } from './manifests.ts';
import { signaturesOf } from './oci-registry.ts';
import type { SignatureProbes } from './versions-contract.ts';

export function signatureActivities({ manifestMirror }: { manifestMirror?: string | undefined }): SignatureProbes {
  return {
    verifySignatures: ({ demands }) => {
      const source = { mirror: manifestMirror, signal: Context.current().cancellationSignal };
      return Promise.all(demands.map((demand) => findingOf(demand, source)));
    },
  };
}

/** A registry that does not answer, a key that is none and a file of another sha256 are problems of the demand: nobody has shown that it is signed. */
async function findingOf(demand: SignatureDemand, source: ManifestSource): Promise<SignatureFinding> {
  try {
    return { demand, problem: (await problemOf(demand, source)) ?? null };
  } catch (error) {
    if (error instanceof GoldenpathError) return { demand, problem: error.message };
    throw error;
  }
}

async function problemOf(demand: SignatureDemand, source: ManifestSource): Promise<string | undefined> {
  const key = publicKeyOf(demand.key);
  if (demand.kind === 'file') return blobProblem(await loadFile(demand, source), key, demand.value);
  return imageProblem(await signaturesOf(demand, source.signal), key, demand.digest);
}
