// What a given-up API leaves of ExternalDNS: its role loses its permissions by the decision that gave the API up, and by no other (failure 36, X1).
import { CreateRoleCommand, IAMClient, ListRolePoliciesCommand, ListRolesCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readEntries } from '../../activities/audit.ts';
import { createClients } from '../../activities/clients.ts';
import { externalDnsRoleActivities } from '../../activities/external-dns-role.ts';
import { roleActivities } from '../../activities/iam.ts';
import { goneSubject } from '../../domain/kubernetes-gone.ts';
import { approvalOf, people, type Person, questionOf } from '../support/decisions.ts';
import { inActivity, RUN } from '../support/in-activity.ts';
import { startAws, type TestAws } from '../support/moto.ts';
import { ephemeralPlan } from '../support/plans.ts';

const { keys, policy } = people();
const plan = ephemeralPlan('teardown', '21-11-26-01', { breakGlass: policy() });
const ROLE = `${plan.target.cluster}-external-dns`;
let aws: TestAws;
let iam: IAMClient;
let clients: ReturnType<typeof createClients>;
let activities: ReturnType<typeof externalDnsRoleActivities>;

beforeAll(async () => {
  aws = await startAws({ timeScale: 300 });
  process.env['AWS_ENDPOINT_URL'] = aws.gateway.url;
  process.env['AWS_ACCESS_KEY_ID'] = aws.client.credentials.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = aws.client.credentials.secretAccessKey;
  clients = createClients('eu-west-2');
  iam = new IAMClient(aws.client);
  await new S3Client({ ...aws.client, forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: plan.registry.bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-west-2' } }));
  activities = inActivity(externalDnsRoleActivities(clients));
});
afterAll(() => aws.stop());

const policies = async (RoleName: string) => (await iam.send(new ListRolePoliciesCommand({ RoleName }))).PolicyNames ?? [];
const trail = () => readEntries(clients.s3, plan.registry, { ...plan.target, runId: RUN.runId }, ['revoke']);

/** What these people said to a question of these lines. */
async function decided({ subject = goneSubject(plan.target), who = ['alice'], decision = 'leave' }: { subject?: string[]; who?: Person[]; decision?: 'leave' | 'repair' } = {}) {
  const request = questionOf(plan, { gate: 'workloads', subject, decisions: ['leave', 'repair', 'abort'] });
  return { target: plan.target, request, approvals: await Promise.all(who.map((person) => approvalOf(keys, request, person, decision))), breakGlass: plan.breakGlass, registry: plan.registry, planHash: plan.hash };
}

test('failure 36: where there is no role, or one of somebody else’s, nothing is taken', async () => {
  expect(await activities.revokeExternalDns(await decided())).toEqual([`role ${ROLE} is not there`]);
  await iam.send(new CreateRoleCommand({ RoleName: ROLE, AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}' }));
  await iam.send(new PutRolePolicyCommand({ RoleName: ROLE, PolicyName: 'theirs', PolicyDocument: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"route53:ListHostedZones","Resource":"*"}]}' }));
  expect(await activities.revokeExternalDns(await decided())).toEqual([`role ${ROLE} bears no tag of the platform: left alone`]);
  expect(await policies(ROLE)).toEqual(['theirs']);
  expect(await trail()).toEqual([]);
});

test('failure 36: ExternalDNS loses its permissions on the decision that gave up the API, put on record before; other roles keep theirs', async () => {
  const other = ephemeralPlan('teardown', '21-11-26-02');
  await roleActivities(clients).ensureIrsaRoles({ target: other.target, oidcIssuer: 'https://oidc.eks.eu-west-2.amazonaws.com/id/ABC', secrets: other.secrets });
  const { Roles = [] } = await iam.send(new ListRolesCommand({}));
  const before = Object.fromEntries(await Promise.all(Roles.map(async ({ RoleName = '' }) => [RoleName, await policies(RoleName)] as const)));
  expect(before[`${other.target.cluster}-external-dns`]).toEqual(['dns-scope']);

  const refused = [
    { input: await decided({ subject: ['app.x A 192.0.2.1 (owner-txt, owner me) ttl 60'] }), says: 'is not about its Kubernetes API being gone' },
    { input: await decided({ subject: goneSubject(other.target) }), says: 'is not about its Kubernetes API being gone' },
    { input: await decided({ decision: 'repair' }), says: 'Refused to destroy' },
    { input: await decided({ who: [] }), says: 'Refused to destroy' },
  ];
  for (const { input, says } of refused) await expect(activities.revokeExternalDns(input)).rejects.toMatchObject({ type: 'ProofMissing', message: expect.stringContaining(says) as string });
  expect(await trail()).toEqual([]);

  const theirs = ephemeralPlan('teardown', '21-11-26-02', { breakGlass: policy() });
  const request = questionOf(theirs, { gate: 'workloads', subject: goneSubject(theirs.target), decisions: ['leave', 'abort'] });
  const run = { workflowId: theirs.target.workflowId, runId: RUN.runId };
  const own = inActivity(externalDnsRoleActivities(clients), run);
  const input = { target: theirs.target, request, approvals: [await approvalOf(keys, request, 'alice', 'leave')], breakGlass: theirs.breakGlass, registry: theirs.registry, planHash: theirs.hash };
  const role = `${theirs.target.cluster}-external-dns`;
  expect(await own.revokeExternalDns(input)).toEqual([`role ${role} lost its permissions: dns-scope`]);
  expect(await policies(role)).toEqual([]);
  expect(await readEntries(clients.s3, theirs.registry, { ...theirs.target, runId: RUN.runId }, ['revoke'])).toMatchObject([{ kind: 'revoke', role, policies: ['dns-scope'] }]);
  expect(await own.revokeExternalDns(input)).toEqual([`role ${role} has no permission to take`]);
  const { [role]: _, ...rest } = before;
  for (const [name, kept] of Object.entries(rest)) expect({ name, policies: await policies(name) }).toEqual({ name, policies: kept });
});
