// The life of an EKS cluster, node group, add-on and update as a pure state machine (requirement C1, lab.md § The gateway).
// Statuses are those of the EKS API, 2017-11-01. What happens meanwhile is work.ts.

/** The statuses of each kind of thing; GONE: its record is removed. */
export interface Statuses {
  cluster: 'CREATING' | 'ACTIVE' | 'UPDATING' | 'DELETING' | 'FAILED' | 'GONE';
  nodegroup: 'CREATING' | 'ACTIVE' | 'UPDATING' | 'DEGRADED' | 'DELETING' | 'CREATE_FAILED' | 'DELETE_FAILED' | 'GONE';
  addon: 'CREATING' | 'ACTIVE' | 'UPDATING' | 'DEGRADED' | 'DELETING' | 'CREATE_FAILED' | 'DELETE_FAILED' | 'GONE';
  update: 'InProgress' | 'Successful' | 'Failed';
}
export type Kind = keyof Statuses;
export type Event = 'done' | 'failed' | 'degraded' | 'update' | 'delete';
type Edges<Status extends string> = { [From in Status]?: { [On in Event]?: Status } };

/** Where each event leads; what is not in the table is not possible in that status. */
const EDGES: { [K in Kind]: Edges<Statuses[K]> } = {
  cluster: {
    CREATING: { done: 'ACTIVE', failed: 'FAILED' },
    ACTIVE: { update: 'UPDATING', delete: 'DELETING' },
    UPDATING: { done: 'ACTIVE', failed: 'ACTIVE' },
    FAILED: { delete: 'DELETING' },
    DELETING: { done: 'GONE', failed: 'FAILED' },
  },
  nodegroup: {
    CREATING: { done: 'ACTIVE', failed: 'CREATE_FAILED', delete: 'DELETING' },
    ACTIVE: { update: 'UPDATING', delete: 'DELETING' },
    UPDATING: { done: 'ACTIVE', failed: 'DEGRADED' },
    DEGRADED: { update: 'UPDATING', delete: 'DELETING' },
    CREATE_FAILED: { delete: 'DELETING' },
    DELETE_FAILED: { delete: 'DELETING' },
    DELETING: { done: 'GONE', failed: 'DELETE_FAILED' },
  },
  addon: {
    CREATING: { done: 'ACTIVE', failed: 'CREATE_FAILED', degraded: 'DEGRADED', delete: 'DELETING' },
    ACTIVE: { update: 'UPDATING', delete: 'DELETING' },
    UPDATING: { done: 'ACTIVE', failed: 'DEGRADED', degraded: 'DEGRADED' },
    DEGRADED: { done: 'ACTIVE', update: 'UPDATING', delete: 'DELETING' },
    CREATE_FAILED: { delete: 'DELETING' },
    DELETE_FAILED: { delete: 'DELETING' },
    DELETING: { done: 'GONE', failed: 'DELETE_FAILED' },
  },
  update: { InProgress: { done: 'Successful', failed: 'Failed' } },
};

/**
 * The status after an event, or undefined if the event is not possible in this status
 * (a request is then refused; a report of work that a deletion has overtaken is ignored).
 */
export function after<K extends Kind>(kind: K, status: Statuses[K], event: Event): Statuses[K] | undefined {
  return EDGES[kind][status]?.[event];
}

export interface ClusterFacts {
  name: string;
  status: Statuses['cluster'];
  deletionProtection: boolean;
  nodegroups: number;
}
export interface Refusal { code: 'ResourceInUseException' | 'InvalidRequestException'; message: string }

/**
 * Why a cluster may not be deleted now, or undefined. A cluster with node groups (teardown.md, failure 26), one that is
 * being created or changed, and a protected one (failure 27) stay.
 */
export function refuseClusterDeletion(cluster: ClusterFacts): Refusal | undefined {
  if (cluster.deletionProtection) {
    return { code: 'InvalidRequestException', message: `Cluster ${cluster.name} has deletion protection enabled. Disable deletion protection before deleting the cluster.` };
  }
  if (cluster.nodegroups > 0) return { code: 'ResourceInUseException', message: 'Cluster has nodegroups attached' };
  if (after('cluster', cluster.status, 'delete') !== undefined) return undefined;
  if (cluster.status === 'UPDATING') {
    return { code: 'ResourceInUseException', message: `Cannot delete because cluster ${cluster.name} currently has an update in progress` };
  }
  return { code: 'ResourceInUseException', message: `Cannot delete because cluster ${cluster.name} is currently in ${cluster.status} state` };
}

/** Why nothing may be added to or changed in a cluster now, or undefined: EKS wants it ACTIVE. */
export function refuseUnlessActive(cluster: Pick<ClusterFacts, 'name' | 'status'>): Refusal | undefined {
  if (cluster.status === 'ACTIVE') return undefined;
  if (cluster.status === 'UPDATING') {
    return { code: 'ResourceInUseException', message: `Cannot update because cluster ${cluster.name} currently has an update in progress` };
  }
  return { code: 'InvalidRequestException', message: `Cluster '${cluster.name}' is not in ACTIVE status` };
}

/** Durations of EKS operations in seconds of AWS, before the time scale. */
export interface EksDurations {
  clusterCreate: number;
  clusterUpdate: number;
  clusterDelete: number;
  nodegroupCreate: number;
  nodegroupUpdate: number;
  nodegroupDelete: number;
  addonCreate: number;
  addonDelete: number;
  /** An add-on whose pods do not run by then reads DEGRADED. */
  addonGrace: number;
}

/**
 * Published durations (lab.md § The gateway: control plane 552 s, node group 145 s, add-on 30 s, node group delete
 * 375 s, cluster delete 150 s). The others are the lab's own assumption (README.md).
 */
export const PUBLISHED: EksDurations = {
  clusterCreate: 552,
  clusterUpdate: 60,
  clusterDelete: 150,
  nodegroupCreate: 145,
  nodegroupUpdate: 60,
  nodegroupDelete: 375,
  addonCreate: 30,
  addonDelete: 15,
  addonGrace: 900,
};
