// The secrets with applications' logins in Secrets Manager (R2). A new password is staged as AWSPENDING, and becomes AWSCURRENT once PostgreSQL has it:
// an attempt that dies between the two finds it there. Source: Secrets Manager User Guide, "Rotation by Lambda function".
import {
  CreateSecretCommand, GetSecretValueCommand, PutSecretValueCommand, type SecretsManagerClient, UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { GoldenpathError } from '../domain/errors.ts';
import { isNamed, NOT_FOUND, orAbsent } from './errors.ts';
import { toTagList } from './ownership.ts';
import { present } from './pages.ts';

type Stage = 'AWSCURRENT' | 'AWSPENDING';

export interface StoredSecret {
  arn: string;
  versionId: string;
  /** The secret itself: never in a result, an error or a log. */
  text: string;
}

/** A stage of a secret, or undefined where there is none. Throws PreflightFailed for one that is being deleted: its name is taken, its value out of reach. */
export async function readSecret(secrets: SecretsManagerClient, name: string, stage: Stage = 'AWSCURRENT'): Promise<StoredSecret | undefined> {
  try {
    const answer = await orAbsent(secrets.send(new GetSecretValueCommand({ SecretId: name, VersionStage: stage })), NOT_FOUND.secretsManager);
    if (answer === undefined) return undefined;
    return { arn: present(answer.ARN, "a secret's ARN"), versionId: present(answer.VersionId, "a secret's version"), text: answer.SecretString ?? '' };
  } catch (error) {
    if (!isNamed(error, ['InvalidRequestException'])) throw error;
    const problem = `secret ${name} is being deleted; take it back with: aws secretsmanager restore-secret --secret-id ${name}`;
    throw new GoldenpathError('PreflightFailed', problem, [problem]);
  }
}

/** Makes a secret that was not there. Throws Conflict where somebody else made it meanwhile. */
export async function createSecret(secrets: SecretsManagerClient, { name, text, description, tags }: { name: string; text: string; description: string; tags: Record<string, string> }): Promise<StoredSecret> {
  try {
    const { ARN, VersionId } = await secrets.send(new CreateSecretCommand({ Name: name, SecretString: text, Description: description, Tags: toTagList(tags) }));
    return { arn: present(ARN, "a secret's ARN"), versionId: present(VersionId, "a secret's version"), text };
  } catch (error) {
    if (!isNamed(error, ['ResourceExistsException'])) throw error;
    throw new GoldenpathError('Conflict', `secret ${name} was made by somebody else just now`);
  }
}

/** Writes a new version under a stage. */
export async function putSecret(secrets: SecretsManagerClient, { name, text, stage }: { name: string; text: string; stage: Stage }): Promise<StoredSecret> {
  const { ARN, VersionId } = await secrets.send(new PutSecretValueCommand({ SecretId: name, SecretString: text, VersionStages: [stage] }));
  return { arn: present(ARN, "a secret's ARN"), versionId: present(VersionId, "a secret's version"), text };
}

/** Makes a pending version the current one, and pending no longer. */
export async function promote(secrets: SecretsManagerClient, { name, from, to }: { name: string; from: string; to: string }): Promise<void> {
  await secrets.send(new UpdateSecretVersionStageCommand({ SecretId: name, VersionStage: 'AWSCURRENT', RemoveFromVersionId: from, MoveToVersionId: to }));
  await secrets.send(new UpdateSecretVersionStageCommand({ SecretId: name, VersionStage: 'AWSPENDING', RemoveFromVersionId: to }));
}
