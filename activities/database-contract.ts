// What the database workflows may ask of the world (R1–R3), by what a second attempt could do. No input and no result holds a password.
import type { ConnectivityReadings } from '../domain/connectivity.ts';
import type { DatabaseFinding, DatabaseOutcome } from '../domain/database-report.ts';
import type { DatabaseInstance, DatabaseSpec } from '../domain/databases.ts';
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

export interface DatabaseProbes {
  /** Reads and tries every login; changes nothing. Throws PreflightFailed where the instance is missing or cannot be reached for a reason that people mend, NotOwned where it is not the environment's. */
  checkDatabases(input: Omit<DatabasesInput, 'rotate'>): Promise<DatabaseFinding[]>;
  /** The instance is available: one line of evidence. NotReady until then; PreflightFailed in a state that it does not leave by itself. */
  probeInstance(input: { environment: string; identifier: string; startedAt: number; wait: Wait }): Promise<string[]>;
  /** What the connectivity contract is judged by (R3). */
  readConnectivity(input: InstanceInput & { databases: DatabaseSpec[] }): Promise<ConnectivityReadings>;
}

export interface DatabaseChanges {
  /**
   * Security group, subnet group and instance of the environment, each made where it is missing; returns one line for each, and for what differs from the file.
   * Throws PreflightFailed where account, VPC or subnets are not as they must be, NotOwned where something of that name is not the environment's.
   */
  ensureInstance(input: InstanceInput & { accountId: string }): Promise<string[]>;
  /**
   * Role, database, least privilege and secret of each application. All of them are judged first: nothing is changed where one is somebody else's (NotOwned) or has a
   * password that does not work and was not asked to be replaced (PasswordWrong). Whatever it was cut off at, the next attempt goes on there.
   */
  applyDatabases(input: DatabasesInput): Promise<DatabaseOutcome[]>;
}
