// Every role of a platform (C1): names within IAM's limits, trust in exactly one service account, nothing wider than it must be.
import { describe, expect, it } from 'vitest';
import { databaseTags } from '../../../domain/databases.ts';
import type { Lifecycle } from '../../../domain/tiers.ts';
import { clusterRole, type IrsaContext, irsaRoles, irsaRolesOf, nodeRole } from '../../../iam/index.ts';
import { evaluate } from '../../../lab/aws/iam/evaluate.ts';
import { stringLike } from './string-like.ts';

const context: IrsaContext = {
  partition: 'aws',
  accountId: '111122223333',
  region: 'eu-west-2',
  environment: 'dev',
  clusterName: 'goldenpath-dev-eks-21-11-26-01',
  hostedZoneId: 'Z0427816GOLDENPATHDEV',
  hostSuffix: 'b-21-11-26-01.dev.goldenpathidp.io',
  lifecycle: 'ephemeral',
  secretNames: ['goldenpath/dev/grafana/admin'], lokiBucket: 'goldenpath-dev-loki',
  oidcIssuer: 'https://oidc.eks.eu-west-2.amazonaws.com/id/0123456789ABCDEF',
};
const defined = irsaRoles.map((role) => ({ role, definition: role.define(context) }));

const arn = (name: string) => `arn:aws:secretsmanager:eu-west-2:111122223333:secret:${name}`;

describe('roles', () => {
  it('C1: names fit into 64 characters for the longest environment name that the schema allows', () => {
    const longest = { ...context, clusterName: `goldenpath-${'e'.repeat(16)}-eks-21-11-26-01` };
    const names = [clusterRole(longest), nodeRole(longest), ...irsaRoles.map((role) => role.define(longest))].map(({ roleName }) => roleName);
    expect(names.filter((name) => name.length > 64)).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('C1: the controllers that call AWS each have one; those of tier 2 exist on a persistent platform alone', () => {
    const everywhere = ['aws-ebs-csi-driver', 'aws-load-balancer-controller', 'cert-manager', 'cluster-autoscaler', 'external-dns', 'external-secrets'];
    const keys = (lifecycle: 'ephemeral' | 'persistent') => irsaRolesOf(lifecycle).map(({ key }) => key).toSorted();
    expect(keys('ephemeral')).toEqual(everywhere);
    expect(keys('persistent')).toEqual([...everywhere, 'loki', 'preflight']);
  });

  it('C1: Loki and the preflight before it reach one bucket, the latter not into it', () => {
    const statements = (key: string) => Object.values(irsaRoles.find((role) => role.key === key)?.define(context).policies ?? {}).flatMap(({ Statement }) => Statement);
    expect(statements('loki').flatMap(({ Resource }) => Resource)).toEqual(['arn:aws:s3:::goldenpath-dev-loki', 'arn:aws:s3:::goldenpath-dev-loki/*']);
    expect(statements('preflight')).toEqual([{ Sid: 'SeeTheBucket', Effect: 'Allow', Action: ['s3:ListBucket'], Resource: ['arn:aws:s3:::goldenpath-dev-loki'] }]);
  });

  it.each(defined)('C1: $role.key trusts one service account of one cluster, subject and audience', ({ role, definition }) => {
    expect(definition.trustPolicy.Statement).toEqual([
      {
        Effect: 'Allow',
        Principal: { Federated: 'arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-2.amazonaws.com/id/0123456789ABCDEF' },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: {
          StringEquals: {
            'oidc.eks.eu-west-2.amazonaws.com/id/0123456789ABCDEF:sub': `system:serviceaccount:${role.namespace}:${role.serviceAccount}`,
            'oidc.eks.eu-west-2.amazonaws.com/id/0123456789ABCDEF:aud': 'sts.amazonaws.com',
          },
        },
      },
    ]);
  });

  it.each(defined)('C1: $role.key has no action by wildcard and stays below 10 240 characters of inline policy', ({ definition }) => {
    const documents = Object.values(definition.policies);
    const actions = documents.flatMap((policy) => policy.Statement.flatMap((statement) => statement.Action));
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
    expect(documents.reduce((total, policy) => total + JSON.stringify(policy).length, 0)).toBeLessThan(10_240);
  });

  it.each(defined)('C1: whatever $role.key may do without a condition on any resource only reads', ({ definition }) => {
    const open = Object.values(definition.policies)
      .flatMap((policy) => policy.Statement)
      .filter((statement) => statement.Resource.includes('*') && statement.Condition === undefined)
      .flatMap((statement) => statement.Action);
    expect(open.filter((action) => !/:(Describe|List|Get)/.test(action))).toEqual([]);
  });

  it('C1: External Secrets reads the named secret and no neighbour of its name', () => {
    const role = irsaRoles.find(({ key }) => key === 'external-secrets');
    const resources = Object.values(role?.define(context).policies ?? {}).flatMap((policy) => policy.Statement.flatMap((statement) => statement.Resource));
    expect(stringLike(arn('goldenpath/dev/grafana/admin-AbC123'), resources)).toBe(true);
    expect(stringLike(arn('goldenpath/dev/grafana/admin-backup-AbC123'), resources)).toBe(false);
    expect(stringLike(arn('goldenpath/prod/grafana/admin-AbC123'), resources)).toBe(false);
  });

  describe('External Secrets and the logins that `database create` makes', () => {
    /** What IAM says to one read, by all statements of the role together. */
    const decision = (lifecycle: Lifecycle, name: string, tags: Record<string, string>, action = 'GetSecretValue') => {
      const role = irsaRoles.find(({ key }) => key === 'external-secrets')?.define({ ...context, lifecycle });
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same JSON; the lab's type has no readonly lists
      return evaluate(Object.values(role?.policies ?? {}) as unknown as Parameters<typeof evaluate>[0], {
        action: `secretsmanager:${action}`,
        resource: arn(name),
        context: Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:ResourceTag/${key}`, [value]])),
      });
    };
    const own = databaseTags('dev');

    it('R2: a persistent platform’s role reads each of its environment', () => {
      for (const action of ['GetSecretValue', 'DescribeSecret']) expect(decision('persistent', 'goldenpath/dev/orders/postgres-AbC123', own, action)).toBe('allow');
      for (const action of ['PutSecretValue', 'ListSecrets', 'BatchGetSecretValue']) expect(decision('persistent', 'goldenpath/dev/orders/postgres-AbC123', own, action)).toBe('implicit-deny');
    });

    it('R2: not another secret, another environment’s, or one without the tags that the command gives, all of them', () => {
      for (const name of ['goldenpath/dev/orders/admin-AbC123', 'goldenpath/dev/orders/postgres-old-AbC123', 'goldenpath/prod/orders/postgres-AbC123', 'goldenpath/dev-2/orders/postgres-AbC123', 'x/goldenpath/dev/orders/postgres-AbC123']) expect([name, decision('persistent', name, own)]).toEqual([name, 'implicit-deny']);
      for (const tags of [{}, databaseTags('prod'), ...Object.keys(own).map((key) => Object.fromEntries(Object.entries(own).filter(([other]) => other !== key)))]) expect(decision('persistent', 'goldenpath/dev/orders/postgres-AbC123', tags)).toBe('implicit-deny');
    });

    it('R2: an ephemeral platform’s reads what its plan names, and of these logins none', () => {
      expect(decision('ephemeral', 'goldenpath/dev/orders/postgres-AbC123', own)).toBe('implicit-deny');
      for (const lifecycle of ['ephemeral', 'persistent'] as const) expect(decision(lifecycle, 'goldenpath/dev/grafana/admin-AbC123', {})).toBe('allow');
    });
  });
});
