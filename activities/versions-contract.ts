// What `goldenpath versions verify` reads of a running platform (C1, G1): reads only, complete or an error.
import type { Target } from '../domain/plan.ts';
import type { SignatureDemand, SignatureFinding } from '../domain/signatures.ts';
import type { EksVersions, ManifestReading, RunningVersions } from '../domain/version-drift.ts';
import type { Manifest } from './manifests.ts';

/** Asks registries, and reads pinned files, for signatures. */
export interface SignatureProbes {
  /** Each demand with the reason why it is not met, if any. Whatever keeps a signature from being seen is such a reason. */
  verifySignatures(input: { demands: SignatureDemand[] }): Promise<SignatureFinding[]>;
}

export interface VersionProbes {
  /** InvalidInput where there is no such cluster, TerminalState where its API does not answer by its status. */
  readEksVersions(input: { target: Target }): Promise<EksVersions>;
  /** The objects of a pinned manifest as the product applies them, each against a dry run of applying it again. `ofArgoCd`: placed and set as Argo CD's own; else custom resource definitions alone. */
  readPinnedManifest(input: { target: Target; manifest: Manifest; ofArgoCd: boolean }): Promise<ManifestReading>;
  readRunningVersions(input: { target: Target }): Promise<RunningVersions>;
}
