// The AWS actions that `database apply`, `create` and `check` perform, each group with what needs it: the connectivity contract simulates them (R3).
// Those of `database destroy` are left out: who may do that is decided when it is asked. docs/reference/iam.md lists all.
import type { DatabaseInstance, DatabaseSpec } from '../domain/databases.ts';
import { databaseSecretName } from '../domain/databases.ts';
import { partitionOf } from './iam.ts';
import type { RequiredActions } from './required-actions.ts';

/** What the worker's principal must be allowed for these databases. */
export function databaseActions({ environment, instance, databases, accountId, region }: { environment: string; instance: DatabaseInstance; databases: readonly DatabaseSpec[]; accountId: string; region: string }): RequiredActions[] {
  const arn = (service: string, resource: string) => `arn:${partitionOf(region)}:${service}:${region}:${accountId}:${resource}`;
  const [db, group] = [arn('rds', `db:${instance.identifier}`), arn('rds', `subgrp:${instance.subnetGroup}`)];
  const logins = databases.map(({ app }) => arn('secretsmanager', `secret:${databaseSecretName({ environment, app })}-??????`));
  const administrator = arn('secretsmanager', 'secret:rds!db-*');
  return [
    { why: 'readConnectivity, ensureInstance', resources: ['*'], actions: ['ec2:DescribeVpcs', 'ec2:DescribeSubnets', 'ec2:DescribeSecurityGroups'] },
    { why: 'readConnectivity, probeInstance, ensureInstance', resources: [db], actions: ['rds:DescribeDBInstances', 'rds:CreateDBInstance', 'rds:AddTagsToResource'] },
    { why: 'readConnectivity, ensureInstance', resources: [group], actions: ['rds:DescribeDBSubnetGroups', 'rds:CreateDBSubnetGroup', 'rds:ListTagsForResource', 'rds:AddTagsToResource'] },
    { why: 'ensureInstance', resources: [arn('ec2', 'security-group/*')], actions: ['ec2:CreateSecurityGroup', 'ec2:CreateTags', 'ec2:AuthorizeSecurityGroupIngress'] },
    { why: 'applyDatabases, checkDatabases', resources: logins, actions: ['secretsmanager:GetSecretValue', 'secretsmanager:CreateSecret', 'secretsmanager:PutSecretValue', 'secretsmanager:UpdateSecretVersionStage', 'secretsmanager:TagResource'] },
    { why: 'applyDatabases, checkDatabases: the administrator', resources: [administrator], actions: ['secretsmanager:GetSecretValue'] },
    // RDS makes the administrator's secret with the caller's rights. Source: RDS User Guide, "Permissions required for Secrets Manager integration".
    { why: 'ensureInstance: the administrator', resources: [administrator], actions: ['secretsmanager:CreateSecret', 'secretsmanager:TagResource'] },
    { why: 'ensureInstance: the administrator', resources: [arn('kms', 'key/*')], actions: ['kms:DescribeKey', 'kms:CreateGrant'] },
  ].filter(({ resources }) => resources.length > 0);
}
