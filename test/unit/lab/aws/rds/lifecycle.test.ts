import { describe, expect, it } from 'vitest';
import { PUBLISHED, refuseDelete, refuseUnless, showsEndpoint, type InstanceStatus } from '../../../../../lab/aws/rds/lifecycle.ts';

const one = (status: InstanceStatus, isProtected = false) => ({ identifier: 'one', status, isProtected });
const withSnapshot = { skipFinalSnapshot: false, finalSnapshot: 'last' };
const without = { skipFinalSnapshot: true, finalSnapshot: undefined };

describe('RDS in the lab', () => {
  it('R1: an instance takes the published 420 s', () => { expect(PUBLISHED.create + PUBLISHED.firstBackup).toBe(420); });

  it('R4: deletion wants a final snapshot or none, never both and never neither', () => {
    expect(refuseDelete(one('available'), withSnapshot)).toBeUndefined();
    expect(refuseDelete(one('available'), without)).toBeUndefined();
    for (const asked of [{ skipFinalSnapshot: true, finalSnapshot: 'last' }, { skipFinalSnapshot: false, finalSnapshot: undefined }]) expect(refuseDelete(one('available'), asked)?.code).toBe('InvalidParameterCombination');
  });

  it('R4: protection is told before the state, and a deletion in flight is not begun again', () => {
    expect(refuseDelete(one('deleting', true), without)?.message).toContain('Cannot delete protected DB Instance');
    expect(refuseDelete(one('deleting'), without)?.code).toBe('InvalidDBInstanceState');
  });

  it('R4: a final snapshot needs a server that can be copied', () => {
    expect((['creating', 'backing-up', 'available', 'stopping', 'stopped', 'starting', 'failed'] as const).filter((status) => refuseDelete(one(status), withSnapshot) === undefined)).toEqual(['available', 'stopped']);
    expect(refuseDelete(one('creating'), without)).toBeUndefined();
  });

  it('R1: what needs a state is refused in any other; the endpoint shows once there is a server', () => {
    expect(refuseUnless(['available'], one('available'))).toBeUndefined();
    expect(refuseUnless(['available', 'stopped'], one('creating'))).toEqual({ code: 'InvalidDBInstanceState', message: 'Instance one is not in available or stopped state.' });
    expect([showsEndpoint('creating'), showsEndpoint('backing-up'), showsEndpoint('failed')]).toEqual([false, true, false]);
  });
});
