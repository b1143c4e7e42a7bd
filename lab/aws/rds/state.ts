// What the RDS overlay remembers beside moto: the life of each instance and snapshot, and the server behind an instance.
import type { RDSClient } from '@aws-sdk/client-rds';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Clock } from '../clock.ts';
import type { InstanceStatus, RdsDurations } from './lifecycle.ts';
import type { PostgresServers, RunningPostgres } from './postgres.ts';

export interface InstanceRecord {
  identifier: string;
  status: InstanceStatus;
  master: { user: string; password: string };
  server?: RunningPostgres;
}

export interface RdsState {
  /** By identifier. What is not here is as moto says: available. */
  instances: Map<string, InstanceRecord>;
  /** Identifiers of snapshots that are being made. */
  snapshotting: Set<string>;
  rds: RDSClient;
  secrets: SecretsManagerClient;
  clock: Clock;
  durations: RdsDurations;
  /** Where the servers come from; without any, instances live and die, and nobody answers at their endpoints. */
  servers: PostgresServers | undefined;
  /** Server work under way, for the end of the lab. */
  working: Set<Promise<void>>;
  onProblem: (line: string) => void;
}
