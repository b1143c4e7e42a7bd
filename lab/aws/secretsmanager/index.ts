// Secrets Manager, API 2017-10-17: moto's, with one mend. moto moves the label AWSCURRENT and goes on giving the old version to
// whoever asks without a label or version, as External Secrets does; rotations would not be seen (requirement R2).
import * as sdk from '@aws-sdk/client-secrets-manager';
import { inAccount, motoClientConfig } from '../moto.ts';
import { plugOverlay, type Call, type OperationsOf, type Overlay, type Plugged, type World } from '../service.ts';

interface SecretsState {
  /** Asks moto past the gateway. */
  secrets: sdk.SecretsManagerClient;
}

const overlay: Overlay<SecretsState, OperationsOf<typeof sdk>> = {
  scope: 'secretsmanager',
  protocol: 'json',
  sdk,
  resource: (_operation, input) => (typeof input['SecretId'] === 'string' ? input['SecretId'] : undefined),
  mends: { UpdateSecretVersionStage: moveLabel },
};

/** Binds the overlay. */
export function plugSecretsManager(world: World): { service: Plugged; close(): void } {
  const secrets = inAccount(new sdk.SecretsManagerClient(motoClientConfig(world)), world.account);
  return { service: plugOverlay(overlay, { secrets }), close: () => secrets.destroy() };
}

/** moto checks and moves; then the version is written once more under its own id, which makes it the one that moto gives. */
async function moveLabel(
  { state: { secrets } }: Call<SecretsState>, { SecretId, VersionStage, MoveToVersionId }: sdk.UpdateSecretVersionStageCommandInput, answer: () => Promise<sdk.UpdateSecretVersionStageResponse>,
): Promise<sdk.UpdateSecretVersionStageResponse> {
  const output = await answer();
  if (VersionStage !== 'AWSCURRENT' || MoveToVersionId === undefined) return output;
  const { SecretString, SecretBinary, VersionStages = [] } = await secrets.send(new sdk.GetSecretValueCommand({ SecretId, VersionId: MoveToVersionId }));
  await secrets.send(new sdk.UpdateSecretCommand({ SecretId, ClientRequestToken: MoveToVersionId, ...(SecretString === undefined ? { SecretBinary } : { SecretString }) }));
  for (const stage of VersionStages.filter((one) => one !== 'AWSCURRENT')) {
    await secrets.send(new sdk.UpdateSecretVersionStageCommand({ SecretId, VersionStage: stage, MoveToVersionId }));
  }
  return output;
}
