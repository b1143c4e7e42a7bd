// A stand-in calls AWS as the service account of the Deployment it stands for: a token of the cluster's issuer for a
// session of the annotated role, so that the role's trust and policy are exercised (C1, C2).
import { AssumeRoleWithWebIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { type Deployment, SERVICE_ACCOUNT } from './kinds.ts';
import { ANSWER_MS, type Kube } from './kube.ts';

export interface SessionCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  expiration: Date;
}

const ROLE_ANNOTATION = 'eks.amazonaws.com/role-arn';

/** Where and as whom AWS clients of a stand-in speak. */
export interface AwsSettings { endpoint: string; region: string }

/** How long they wait for an answer. */
const requestHandler = { connectionTimeout: 3_000, requestTimeout: ANSWER_MS, throwOnRequestTimeout: true };

/**
 * Credentials for the service account of a Deployment, as the pod identity webhook would let its pods have them.
 * Throws where the service account names no role, and what STS answers.
 */
export async function assumeOwnRole(kube: Kube, deployment: Deployment, { endpoint, region }: AwsSettings): Promise<SessionCredentials> {
  const { namespace } = deployment.metadata;
  const name = deployment.spec.template.spec.serviceAccountName ?? 'default';
  const account = await kube.get(SERVICE_ACCOUNT, { namespace, name });
  const role = account?.metadata.annotations?.[ROLE_ANNOTATION];
  if (role === undefined) throw new Error(`service account ${namespace ?? ''}/${name} has no annotation ${ROLE_ANNOTATION}`);
  const { token } = await kube.token({ namespace, name }, 'sts.amazonaws.com');
  const sts = new STSClient({ endpoint, region, requestHandler, credentials: { accessKeyId: 'anonymous', secretAccessKey: 'anonymous' } });
  try {
    const { Credentials: session } = await sts.send(new AssumeRoleWithWebIdentityCommand({ RoleArn: role, RoleSessionName: deployment.metadata.name, WebIdentityToken: token }));
    if (session?.AccessKeyId === undefined || session.SecretAccessKey === undefined || session.SessionToken === undefined) throw new Error(`STS gave no credentials for ${role}`);
    return { accessKeyId: session.AccessKeyId, secretAccessKey: session.SecretAccessKey, sessionToken: session.SessionToken, expiration: session.Expiration ?? new Date(Date.now() + 3_600_000) };
  } finally {
    sts.destroy();
  }
}

/** Keeps one client for as long as its Deployment's service account may: made anew for a new Deployment, which may have another role. */
export function clientPerDeployment<Client extends { destroy(): void }>(
  settings: AwsSettings,
  make: (configuration: AwsSettings & { requestHandler: typeof requestHandler; credentials: () => Promise<SessionCredentials> }) => Client,
): { of(kube: Kube, deployment: Deployment): Client; stop(): void } {
  let current: { uid: string | undefined; client: Client } | undefined;
  const stop = (): void => {
    current?.client.destroy();
    current = undefined;
  };
  return {
    of(kube, deployment) {
      if (current !== undefined && current.uid === deployment.metadata.uid) return current.client;
      stop();
      const client = make({ ...settings, requestHandler, credentials: () => assumeOwnRole(kube, deployment, settings) });
      current = { uid: deployment.metadata.uid, client };
      return client;
    },
    stop,
  };
}
