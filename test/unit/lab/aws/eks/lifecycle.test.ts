// The life of EKS resources as a machine (C1; teardown.md, failures 26 and 27).
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { after, refuseClusterDeletion, refuseUnlessActive, type Event, type Kind, type Statuses } from '../../../../../lab/aws/eks/lifecycle.ts';

const STATUSES: { [K in Kind]: Statuses[K][] } = {
  cluster: ['CREATING', 'ACTIVE', 'UPDATING', 'DELETING', 'FAILED', 'GONE'],
  nodegroup: ['CREATING', 'ACTIVE', 'UPDATING', 'DEGRADED', 'DELETING', 'CREATE_FAILED', 'DELETE_FAILED', 'GONE'],
  addon: ['CREATING', 'ACTIVE', 'UPDATING', 'DEGRADED', 'DELETING', 'CREATE_FAILED', 'DELETE_FAILED', 'GONE'],
  update: ['InProgress', 'Successful', 'Failed'],
};
const event = fc.constantFrom<Event>('done', 'failed', 'degraded', 'update', 'delete');

function live<K extends Kind>(kind: K, from: Statuses[K], events: readonly Event[]): Statuses[K][] {
  return events.reduce<Statuses[K][]>((past, on) => [...past, after(kind, past.at(-1) ?? from, on) ?? past.at(-1) ?? from], [from]);
}

describe('what lives', () => {
  it('C1: a cluster that is being deleted never becomes ACTIVE again, whatever is reported of it', () => {
    fc.assert(fc.property(fc.array(event), (events) => {
      const past = live('cluster', 'CREATING', events);
      const deleting = past.indexOf('DELETING');
      expect(deleting === -1 ? [] : past.slice(deleting).filter((status) => ['ACTIVE', 'CREATING', 'UPDATING'].includes(status))).toEqual([]);
    }));
  });

  it.each(['nodegroup', 'addon'] as const)('C1: a %s is gone only after DELETING', (kind) => {
    fc.assert(fc.property(fc.array(event), (events) => {
      const past = live(kind, 'CREATING', events);
      const gone = past.indexOf('GONE');
      expect(gone === -1 ? 'DELETING' : past[gone - 1]).toBe('DELETING');
    }));
  });

  it('C1: what is gone stays gone', () => {
    fc.assert(fc.property(event, (on) => {
      expect(['cluster', 'nodegroup', 'addon'].map((kind) => after(kind as 'cluster', 'GONE', on))).toEqual([undefined, undefined, undefined]);
    }));
  });

  it.each(['cluster', 'nodegroup', 'addon'] as const)('C1: no status of a %s is a dead end: it can be deleted, or its work ends', (kind) => {
    const stuck = STATUSES[kind].filter((status) => (['done', 'delete'] as const).every((on) => after(kind, status as 'CREATING', on) === undefined));
    expect(stuck).toEqual(['GONE']);
  });

  it('C1: an update ends once', () => {
    expect(live('update', 'InProgress', ['failed', 'done'])).toEqual(['InProgress', 'Failed', 'Failed']);
  });
});

describe('deleting a cluster', () => {
  const facts = fc.record({ name: fc.constant('c'), status: fc.constantFrom(...STATUSES.cluster), deletionProtection: fc.boolean(), nodegroups: fc.nat(3) });

  it('C1: is let through exactly when it is unprotected, empty, and ACTIVE or FAILED', () => {
    fc.assert(fc.property(facts, (cluster) => {
      const free = !cluster.deletionProtection && cluster.nodegroups === 0 && ['ACTIVE', 'FAILED'].includes(cluster.status);
      expect(refuseClusterDeletion(cluster) === undefined).toBe(free);
    }));
  });

  it('failure 26: node groups are named as the reason, as AWS does', () => {
    expect(refuseClusterDeletion({ name: 'c', status: 'ACTIVE', deletionProtection: false, nodegroups: 1 }))
      .toEqual({ code: 'ResourceInUseException', message: 'Cluster has nodegroups attached' });
  });

  it('failure 27: deletion protection is an invalid request', () => {
    expect(refuseClusterDeletion({ name: 'c', status: 'ACTIVE', deletionProtection: true, nodegroups: 0 })?.code).toBe('InvalidRequestException');
  });
});

it('C1: nothing is added to a cluster that is not ACTIVE', () => {
  expect(STATUSES.cluster.filter((status) => refuseUnlessActive({ name: 'c', status }) === undefined)).toEqual(['ACTIVE']);
});
