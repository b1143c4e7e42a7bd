// What a role is: plain data that the product's IAM activities create, tag and delete (C1). Policies are inline, so that
// they go with their role and cannot be left behind.

import type { Lifecycle } from '../domain/tiers.ts';

/** What a role's text depends on. Pure input: nothing here is looked up. */
export interface IamContext {
  /** `aws`, `aws-cn` or `aws-us-gov`. */
  partition: string;
  accountId: string;
  region: string;
  environment: string;
  clusterName: string;
  hostedZoneId: string;
  /** The DNS subtree of the platform (D1). A persistent one shares it with the builds. */
  hostSuffix: string;
  lifecycle: Lifecycle;
  /** Names of the Secrets Manager secrets that the platform's applications may read. */
  secretNames: readonly string[];
  /** Loki's bucket; only roles of tier 2 ask. */
  lokiBucket: string;
}

/** A role that a Kubernetes service account assumes (IRSA) needs the cluster's issuer, e.g. `https://oidc.eks.eu-west-2.amazonaws.com/id/ABC`. */
export interface IrsaContext extends IamContext {
  oidcIssuer: string;
}

type Condition = Record<string, Record<string, string | readonly string[]>>;

export interface Statement {
  Sid: string;
  Effect: 'Allow' | 'Deny';
  Action: readonly string[];
  Resource: readonly string[];
  Condition?: Condition;
}

export interface PolicyDocument {
  Version: '2012-10-17';
  Statement: readonly Statement[];
}

export interface TrustPolicy {
  Version: '2012-10-17';
  Statement: readonly { Effect: 'Allow'; Principal: Record<string, string>; Action: string; Condition?: Condition }[];
}

export interface RoleDefinition {
  /** At most 64 characters, IAM's limit. */
  roleName: string;
  description: string;
  trustPolicy: TrustPolicy;
  /** Inline policies by name. */
  policies: Record<string, PolicyDocument>;
  /** AWS-managed policies to attach. */
  managedPolicyArns: readonly string[];
}

/** Who assumes an IRSA role, and how its policy follows from the context. */
export interface IrsaRole {
  /** Key of `roleArns` in the root chart's values and, for an add-on, the add-on's name. */
  key: string;
  namespace: string;
  serviceAccount: string;
  /** Where the role is made; left out: on every platform. */
  lifecycles?: readonly Lifecycle[];
  define: (context: IrsaContext) => RoleDefinition;
}

export function policyDocument(...statements: Statement[]): PolicyDocument {
  return { Version: '2012-10-17', Statement: statements };
}

/** Trust in an AWS service, e.g. `eks.amazonaws.com`. */
export function serviceTrust(service: string): TrustPolicy {
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' }] };
}

/**
 * Trust in exactly one service account of one cluster: subject and audience are both compared.
 * Source: https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
 */
export function irsaTrust({ partition, accountId, oidcIssuer }: IrsaContext, namespace: string, serviceAccount: string): TrustPolicy {
  const provider = oidcIssuer.replace(/^https:\/\//, '');
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Federated: `arn:${partition}:iam::${accountId}:oidc-provider/${provider}` },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: { StringEquals: { [`${provider}:sub`]: `system:serviceaccount:${namespace}:${serviceAccount}`, [`${provider}:aud`]: 'sts.amazonaws.com' } },
      },
    ],
  };
}
