// What the database workflows may ask of the world (R1–R3), by what a second attempt could do. No input and no result holds a password.
import type { Deciding } from './contract.ts';
import type { ConnectivityReadings } from '../domain/connectivity.ts';
import type { DatabaseFinding, DatabaseOutcome, DatabaseReceipt } from '../domain/database-report.ts';
import type { DatabaseInstance, DatabaseSpec } from '../domain/databases.ts';
import type { Snapshots } from '../domain/database-destroy.ts';
import type { Plan } from '../domain/plan.ts';
import type { Wait } from '../domain/timings.ts';

/** Databases on an instance that exists. `rotate`: whether passwords that do not work are replaced. */
export interface DatabasesInput {
  environment: string;
  /** The identifier of the RDS instance. */
  instance: string;
  databases: DatabaseSpec[];
  rotate: boolean;
}

export interface InstanceInput {
  environment: string;
  instance: DatabaseInstance;
}

/** An instance that is to be destroyed: what people are asked about, and the snapshots that will stay. */
export interface Doomed {
  arn: string;
  /** One line each, as approvers see and sign them. */
  subject: string[];
}

export interface DatabaseProbes {
  /** Reads and tries every login; changes nothing. Throws PreflightFailed where the instance is missing or cannot be reached for a reason that people mend, NotOwned where it is not the environment's. */
  checkDatabases(input: Omit<DatabasesInput, 'rotate'>): Promise<DatabaseFinding[]>;
  /** The instance is available: one line of evidence. NotReady until then; PreflightFailed in a state that it does not leave by itself. */
  probeInstance(input: { environment: string; identifier: string; startedAt: number; wait: Wait }): Promise<string[]>;
  /** What would be lost with the instance. Null where it is gone or goes already. */
  readDoomed(input: { environment: string; identifier: string; snapshots: Snapshots }): Promise<Doomed | null>;
  /** The snapshot is available: one line. NotReady until then; TerminalState where it failed. */
  probeSnapshot(input: { environment: string; identifier: string; snapshot: string; startedAt: number; wait: Wait }): Promise<string[]>;
  /** RDS has the instance no more: one line. NotReady until then. */
  probeInstanceGone(input: { identifier: string; startedAt: number; wait: Wait }): Promise<string[]>;
  /** What the connectivity contract is judged by (R3). */
  readConnectivity(input: InstanceInput & { databases: DatabaseSpec[] }): Promise<ConnectivityReadings>;
}

export interface DatabaseChanges {
  /**
   * Security group, subnet group and instance of the environment, each made where it is missing; returns one line for each, and for what differs from the file.
   * Throws PreflightFailed where account, VPC or subnets are not as they must be, NotOwned where something of that name is not the environment's.
   */
  ensureInstance(input: InstanceInput & { accountId: string }): Promise<string[]>;
  /** Starts a snapshot under this name, or finds it begun. One line. */
  snapshotInstance(input: { environment: string; identifier: string; snapshot: string }): Promise<string[]>;
  /**
   * Role, database, least privilege and secret of each application. All of them are judged first: nothing is changed where one is somebody else's (NotOwned) or has a
   * password that does not work and was not asked to be replaced (PasswordWrong). Whatever it was cut off at, the next attempt goes on there.
   */
  applyDatabases(input: DatabasesInput): Promise<DatabaseOutcome[]>;
  /** Write-once at `receipts/<environment>/<instance>/<run id>.json` (O2). */
  writeDatabaseReceipt(input: { registry: Plan['registry']; receipt: DatabaseReceipt }): Promise<{ key: string }>;
}

export interface DatabaseDestroyers {
  /**
   * Turns deletion protection off and deletes the instance with a last snapshot, once people decided exactly that, the first snapshot is available, and the call is on
   * record (R4). ProofMissing where the decision does not cover what is there now; then nothing was changed. An instance that goes already is success.
   */
  destroyInstance(input: Deciding & { snapshots: Snapshots }): Promise<string[]>;
}
