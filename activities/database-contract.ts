// What the database workflows may ask of the world (R1, R2, R4), by what a second attempt could do. No input and no result holds a password.
import type { DatabaseSpec } from '../domain/databases.ts';
import type { Verdict } from '../domain/database-plan.ts';

/** Databases on an instance that exists. `rotate`: whether passwords that do not work are replaced. */
export interface DatabasesInput {
  environment: string;
  /** The identifier of the RDS instance. */
  instance: string;
  databases: DatabaseSpec[];
  rotate: boolean;
}

/** What became of one application's database. */
export interface DatabaseOutcome extends DatabaseSpec {
  verdict: Verdict;
  /** Where its login is. */
  secretName: string;
  secretArn: string;
  /** One line a change; none where everything was as it should be. */
  did: string[];
}

/** What is wrong with one application's database now; `problems` and `steps` are empty where nothing is. */
export interface DatabaseFinding extends DatabaseSpec {
  verdict: Verdict;
  secretName: string;
  problems: string[];
  /** What `applyDatabases` would do, in words. */
  steps: string[];
}

export interface DatabaseProbes {
  /** Reads and tries every login; changes nothing. Throws PreflightFailed where the instance is missing or cannot be reached for a reason that people mend. */
  checkDatabases(input: Omit<DatabasesInput, 'rotate'>): Promise<DatabaseFinding[]>;
}

export interface DatabaseChanges {
  /**
   * Role, database, least privilege and secret of each application. All of them are judged first: nothing is changed where one is somebody else's (NotOwned) or has a
   * password that does not work and was not asked to be replaced (PasswordWrong). Whatever it was cut off at, the next attempt goes on there.
   */
  applyDatabases(input: DatabasesInput): Promise<DatabaseOutcome[]>;
}
