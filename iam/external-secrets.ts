// External Secrets' role: reads the secrets that the environment file names, on a persistent platform the logins of applications' databases, and no other (C1, R2).
import { databaseSecretName, databaseTags } from '../domain/databases.ts';
import { type IamContext, irsaTrust, policyDocument, type IrsaRole, type PolicyDocument } from './role.ts';

const namespace = 'external-secrets';
const serviceAccount = 'external-secrets';

const READS = [
  'secretsmanager:GetSecretValue', // External Secrets: the values
  'secretsmanager:DescribeSecret', // External Secrets: versions and tags, before it reads
];

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
      // IAM takes no statement without a resource.
      ...(context.secretNames.length === 0 ? {} : { 'named-secrets': policyDocument({ Sid: 'ReadNamedSecrets', Effect: 'Allow', Action: READS, Resource: context.secretNames.map((name) => secretArn(context, name)) }) }),
      ...applicationLogins(context),
    },
  }),
};

/**
 * Logins that `goldenpath database create` makes while the platform stands: no plan can name them. The name alone would let a secret in that somebody else
 * called so; the tags are those that the command gives. A build has no applications of its own, and so none of their logins.
 * Source: Service Authorization Reference, "Condition keys for AWS Secrets Manager" (aws:ResourceTag/${TagKey})
 */
function applicationLogins(context: IamContext): Record<string, PolicyDocument> {
  if (context.lifecycle === 'ephemeral') return {};
  const { environment } = context;
  const tagged = Object.fromEntries(Object.entries(databaseTags(environment)).map(([key, value]) => [`aws:ResourceTag/${key}`, value]));
  return { 'application-logins': policyDocument({ Sid: 'ReadApplicationLogins', Effect: 'Allow', Action: READS, Resource: [secretArn(context, databaseSecretName({ environment, app: '*' }))], Condition: { StringEquals: tagged } }) };
}

/** Secrets Manager appends six random characters to a secret's name in its ARN. */
function secretArn({ partition, region, accountId }: IamContext, name: string): string {
  return `arn:${partition}:secretsmanager:${region}:${accountId}:secret:${name}-??????`;
}
