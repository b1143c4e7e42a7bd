// RDS, API 2014-10-31: an overlay on moto (lab.md § The gateway, overlays; requirements R1, R4). Instances take their time and
// have a real PostgreSQL behind them. Gaps: README.md.
import * as sdk from '@aws-sdk/client-rds';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { inAccount, motoClientConfig } from '../moto.ts';
import { plugOverlay, type OperationsOf, type Overlay, type Plugged, type World } from '../service.ts';
import { createInstance, createSnapshot, deleteInstance, describeInstances, describeSnapshots, modifyInstance, startInstance, stopInstance } from './instances.ts';
import { PUBLISHED, type RdsDurations } from './lifecycle.ts';
import type { PostgresServers } from './postgres.ts';
import type { RdsState } from './state.ts';

const overlay: Overlay<RdsState, OperationsOf<typeof sdk>> = {
  scope: 'rds',
  protocol: 'query',
  sdk,
  namespace: 'http://rds.amazonaws.com/doc/2014-10-31/',
  resource: (_operation, input) => [input['DBInstanceIdentifier'], input['DBSnapshotIdentifier']].find((id) => typeof id === 'string'),
  mends: {
    CreateDBInstance: createInstance,
    DescribeDBInstances: describeInstances,
    ModifyDBInstance: modifyInstance,
    DeleteDBInstance: deleteInstance,
    CreateDBSnapshot: createSnapshot,
    DescribeDBSnapshots: describeSnapshots,
    StopDBInstance: stopInstance,
    StartDBInstance: startInstance,
  },
};

export interface Rds {
  service: Plugged;
  /** Ends the servers. */
  close(): Promise<void>;
}

export interface RdsOptions {
  /** The PostgreSQL behind each instance; left out, instances live and die without one. */
  servers?: PostgresServers | undefined;
  durations?: Partial<RdsDurations> | undefined;
  /** Told what went wrong behind an instance; standard error by default. */
  onProblem?: (line: string) => void;
}

/** Makes the RDS of one lab. */
export function createRds(world: World, { servers, durations, onProblem = (line) => process.stderr.write(`${line}\n`) }: RdsOptions = {}): Rds {
  const config = motoClientConfig(world);
  const [rds, secrets] = [inAccount(new sdk.RDSClient(config), world.account), inAccount(new SecretsManagerClient(config), world.account)];
  const state: RdsState = {
    instances: new Map(), snapshotting: new Set(), rds, secrets, clock: world.clock, durations: { ...PUBLISHED, ...durations }, servers, working: new Set(), onProblem,
  };
  return {
    service: plugOverlay(overlay, state),
    async close() {
      await Promise.all(state.working);
      for (const { server } of state.instances.values()) await server?.stop();
      rds.destroy();
      secrets.destroy();
    },
  };
}
