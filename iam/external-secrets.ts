// External Secrets' role: reads the secrets that the environment file names, and no other (C1).
import { irsaTrust, policyDocument, type IrsaRole } from './role.ts';

const namespace = 'external-secrets';
const serviceAccount = 'external-secrets';

export const externalSecretsRole: IrsaRole = {
  key: 'external-secrets',
  namespace,
  serviceAccount,
  define: (context) => ({
    roleName: `${context.clusterName}-external-secrets`,
    description: `External Secrets of ${context.clusterName}: reads ${context.secretNames.length} named secrets`,
    trustPolicy: irsaTrust(context, namespace, serviceAccount),
    managedPolicyArns: [],
    policies: {
      'named-secrets': policyDocument({
        Sid: 'ReadNamedSecrets',
        Effect: 'Allow',
        Action: [
          'secretsmanager:GetSecretValue', // External Secrets: the values
          'secretsmanager:DescribeSecret', // External Secrets: versions and tags, before it reads
        ],
        // Secrets Manager appends six random characters to a secret's name in its ARN.
        Resource: context.secretNames.map((name) => `arn:${context.partition}:secretsmanager:${context.region}:${context.accountId}:secret:${name}-??????`),
      }),
    },
  }),
};
