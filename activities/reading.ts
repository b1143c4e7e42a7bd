// One reading of the foundation: a value, or the problem that a person can mend (F4, failure 36).
import { GoldenpathError } from '../domain/errors.ts';
import type { Reading } from '../domain/foundation.ts';
import { mapAwsError } from './errors.ts';

/** The value, or the problem in words. Only what AWS answered is a reading: throttling, no answer and bugs are thrown on. */
export async function reading<T>(read: Promise<T>): Promise<Reading<T>> {
  try {
    return { value: await read };
  } catch (error) {
    if (error instanceof GoldenpathError) return { problem: error.message };
    const mapped = mapAwsError(error);
    if (mapped?.type === 'Throttled' || mapped?.type === 'Unavailable' || mapped?.type === 'KubernetesUnavailable') throw error;
    if (mapped !== undefined) return { problem: mapped.message };
    if (error instanceof Error && '$metadata' in error) return { problem: `${error.name}: ${error.message}` };
    throw error;
  }
}
