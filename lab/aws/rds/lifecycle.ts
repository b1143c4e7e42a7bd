// What state an instance or a snapshot is in, what may be done to it then, and for how long, pure (requirement R1, R4).
// Source: RDS User Guide, "Viewing DB instance status"; RDS API Reference, errors of each operation.

/** `failed`: the server behind it could not be started. */
export type InstanceStatus = 'creating' | 'backing-up' | 'available' | 'stopping' | 'stopped' | 'starting' | 'deleting' | 'failed';

/** Durations in seconds of AWS. Creation is published (lab.md § The gateway: 420 s), its last part is the first backup; the others are the lab's own assumption (README.md). */
export const PUBLISHED = { create: 360, firstBackup: 60, delete: 240, snapshot: 120, stop: 120, start: 180 };
export type RdsDurations = typeof PUBLISHED;

/** Why a call is refused, in AWS's code and words. */
export interface Refusal { code: string; message: string }

/** Why an instance cannot be deleted so, or undefined. AWS judges the parameters first, then the protection, then the state. */
export function refuseDelete(
  { identifier, status, isProtected }: { identifier: string; status: InstanceStatus; isProtected: boolean },
  { skipFinalSnapshot, finalSnapshot }: { skipFinalSnapshot: boolean; finalSnapshot: string | undefined },
): Refusal | undefined {
  if (skipFinalSnapshot && finalSnapshot !== undefined) return { code: 'InvalidParameterCombination', message: 'FinalDBSnapshotIdentifier can not be specified when deleting with SkipFinalSnapshot' };
  if (!skipFinalSnapshot && finalSnapshot === undefined) return { code: 'InvalidParameterCombination', message: 'FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.' };
  if (isProtected) return { code: 'InvalidParameterCombination', message: 'Cannot delete protected DB Instance, please disable deletion protection and try again.' };
  if (status === 'deleting') return { code: 'InvalidDBInstanceState', message: `Instance ${identifier} is already being deleted.` };
  // A final snapshot needs a server that can be copied.
  if (!skipFinalSnapshot && !['available', 'stopped'].includes(status)) return { code: 'InvalidDBInstanceState', message: `Instance ${identifier} is currently ${status} - a final snapshot cannot be taken.` };
  return undefined;
}

/** Why something that needs one of these states cannot be done now, or undefined. */
export function refuseUnless(states: readonly InstanceStatus[], { identifier, status }: { identifier: string; status: InstanceStatus }): Refusal | undefined {
  if (states.includes(status)) return undefined;
  return { code: 'InvalidDBInstanceState', message: `Instance ${identifier} is not in ${states.join(' or ')} state.` };
}

/** The endpoint is shown once there is one; while an instance is made there is none. */
export function showsEndpoint(status: InstanceStatus): boolean {
  return status !== 'creating' && status !== 'failed';
}
