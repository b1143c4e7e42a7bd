// The Temporal server of the vitest worker that a workflow test file runs in.
import { inject } from 'vitest';

/** Its address. Throws where the file is not of the workflow project. */
export function temporalAddress(): string {
  const address = inject('temporalAddresses')[Number(process.env['VITEST_POOL_ID']) - 1];
  if (address === undefined) throw new Error(`no Temporal server for vitest's worker ${process.env['VITEST_POOL_ID'] ?? '(none)'}: test/support/temporal.ts starts one for each`);
  return address;
}
