// Asks a worker how a running platform differs from the version manifest (C1, G1).
import type { Client } from '@temporalio/client';
import type { VersionsReport } from '../domain/version-drift.ts';
import { VERIFY_VERSIONS, type VerifyVersionsInput } from '../workflows/messages.ts';
import { look } from './look.ts';
import type { Prepared } from './request.ts';

/** The comparison with the prepared plan's versions. Throws as `look` does. */
export async function verifyVersions(client: Client, prepared: Prepared): Promise<VersionsReport> {
  const { plan } = prepared;
  const input: VerifyVersionsInput = { plan };
  return look(client, prepared, { type: VERIFY_VERSIONS, kind: 'versions', noun: 'comparison', input, summary: `Versions of ${plan.target.cluster} against the version manifest; changes nothing` });
}
