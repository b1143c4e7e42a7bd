// The guard that AWS enforces between two platforms in one zone (C2, D1): attacked with the roles as the product makes them, by the SDK and by the real ExternalDNS told to be somebody else.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ChangeResourceRecordSetsCommand, type ChangeAction, CreateHostedZoneCommand, type RRType, Route53Client } from '@aws-sdk/client-route-53';
import { AssumeRoleWithWebIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { CoreV1Api } from '@kubernetes/client-node';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClients } from '../../activities/clients.ts';
import { allowedChanges, forbiddenChanges, neededChanges } from '../../activities/dns-scope.ts';
import { irsaRoleArn, roleActivities } from '../../activities/iam.ts';
import { listRecords } from '../../activities/zone.ts';
import { contractedArgs } from '../../domain/external-dns.ts';
import { recordLine } from '../../domain/dns-records.ts';
import type { Plan } from '../../domain/plan.ts';
import { ensureTools } from '../../lab/tools.ts';
import { startTestCluster, type TestCluster } from '../support/kubernetes-cluster.ts';
import { REGION, startAws, type TestAws } from '../support/moto.ts';
import { environment, ephemeralPlan, persistentPlan } from '../support/plans.ts';

/** Each cluster's own, as EKS gives them. */
const issuerOf = ({ lifecycle }: Pick<Plan['target'], 'lifecycle'>) => `https://oidc.lab.example/id/${lifecycle.toUpperCase()}`;
let aws: TestAws;
let cluster: TestCluster;
let clients: ReturnType<typeof createClients>;
let signing: CryptoKey;
let persistent: Plan['target'];
let build: Plan['target'];
let externalDns: string;

beforeAll(async () => {
  aws = await startAws();
  Object.assign(process.env, { AWS_ENDPOINT_URL: aws.gateway.url, AWS_ACCESS_KEY_ID: aws.client.credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: aws.client.credentials.secretAccessKey });
  clients = createClients(REGION);
  const pair = await generateKeyPair('RS256');
  signing = pair.privateKey;
  const { dns } = environment();
  const { HostedZone } = await clients.route53.send(new CreateHostedZoneCommand({ Name: dns.zone, CallerReference: 'guard' }));
  const changes = { dns: { ...dns, hostedZoneId: (HostedZone?.Id ?? '').replace('/hostedzone/', '') } };
  persistent = persistentPlan('bootstrap', changes).target;
  build = ephemeralPlan('bootstrap', '21-11-26-01', changes).target;
  const jwk = await exportJWK(pair.publicKey);
  for (const target of [persistent, build]) {
    aws.gateway.world.issuers.set(issuerOf(target), { keys: [{ ...jwk, kid: 'k1', alg: 'RS256', use: 'sig' }] });
    await roleActivities(clients).ensureIrsaRoles({ target, oidcIssuer: issuerOf(target), secrets: environment().secrets });
  }
  // What stands in the zone: a name of each, with its registry TXT, as the ExternalDNS of each writes it.
  await change(clients.route53, 'CREATE', [...owned(`kong.${persistent.hostSuffix}`, persistent.ownerId), ...owned(`kong.${build.hostSuffix}`, build.ownerId)]);
  externalDns = (await ensureTools()).bin['external-dns'];
  cluster = await startTestCluster({ nodes: 0 });
});

afterAll(async () => {
  await cluster.stop();
  await aws.stop();
});

interface Set { Name: string; Type: RRType; value: string }

function owned(name: string, owner: string): Set[] {
  return [{ Name: name, Type: 'A', value: '192.0.2.1' }, { Name: `a-xdns.${name}`, Type: 'TXT', value: `"heritage=external-dns,external-dns/owner=${owner},external-dns/resource=ingress/kong/kong"` }];
}

function change(route53: Route53Client, Action: ChangeAction, sets: readonly Set[]) {
  return route53.send(new ChangeResourceRecordSetsCommand({
    HostedZoneId: persistent.hostedZoneId,
    ChangeBatch: { Changes: sets.map(({ Name, Type, value }) => ({ Action, ResourceRecordSet: { Name, Type, TTL: 300, ResourceRecords: [{ Value: value }] } })) },
  }));
}

function token(target: Plan['target'], controller: string) {
  return new SignJWT({}).setProtectedHeader({ alg: 'RS256', kid: 'k1' }).setIssuer(issuerOf(target)).setSubject(`system:serviceaccount:${controller}:${controller}`).setAudience('sts.amazonaws.com').setIssuedAt().setExpirationTime('1h').sign(signing);
}

/** Route 53 as a controller of the platform reaches it: with the role of its service account. */
async function as(target: Plan['target'], controller: 'external-dns' | 'cert-manager') {
  const sts = new STSClient({ endpoint: aws.gateway.url, region: REGION });
  const { Credentials } = await sts.send(new AssumeRoleWithWebIdentityCommand({ RoleArn: irsaRoleArn(target, controller), RoleSessionName: 'pod', WebIdentityToken: await token(target, controller) }));
  const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '', SessionToken: sessionToken = '' } = Credentials ?? {};
  return new Route53Client({ endpoint: aws.gateway.url, region: REGION, maxAttempts: 1, credentials: { accessKeyId, secretAccessKey, sessionToken } });
}

const listing = async () => (await listRecords(clients.route53, persistent.hostedZoneId)).records.map((record) => recordLine(record)).toSorted();

describe('a role told to write somebody else’s names', () => {
  test('D1: no name in any build’s subtree is the persistent platform’s to write or delete, alone or in a batch', async () => {
    const before = await listing();
    const route53 = await as(persistent, 'external-dns');
    const foreign = ['b-21-11-26-01', 'kong.b-21-11-26-01', '*.b-21-11-26-01', '*.apps.b-21-11-26-01', 'a-xdns.kong.b-21-11-26-01', 'cname-xdns.b-21-11-26-01', 'B-21-11-26-01', String.raw`\142-21-11-26-01`, String.raw`x\056b-21-11-26-01`, 'kong.b-31-12-99-99'].map((name) => `${name}.${persistent.zone}`);
    for (const Name of foreign) {
      await expect(change(route53, 'UPSERT', [{ Name, Type: 'TXT', value: '"mine"' }])).rejects.toMatchObject({ name: 'AccessDenied', message: expect.stringContaining('explicit deny') as string });
      await expect(change(route53, 'UPSERT', [{ Name: `own.${persistent.zone}`, Type: 'A', value: '192.0.2.9' }, { Name, Type: 'A', value: '192.0.2.9' }])).rejects.toMatchObject({ name: 'AccessDenied' });
    }
    await expect(change(route53, 'DELETE', owned(`kong.${build.hostSuffix}`, build.ownerId))).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(change(route53, 'UPSERT', [{ Name: build.hostSuffix, Type: 'NS', value: 'ns.example.org.' }])).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(change(await as(persistent, 'cert-manager'), 'UPSERT', [{ Name: `_acme-challenge.kong.${build.hostSuffix}`, Type: 'TXT', value: '"token"' }])).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(await listing()).toEqual(before);
  });

  test('D1: what is its own it writes and deletes, also where the name begins as a build’s does', async () => {
    const [route53, before] = [await as(persistent, 'external-dns'), await listing()];
    const own = ['backstage', 'b-blog', '*', 'b-21-11-26-01.apps', 'b-21-11-26-011'].flatMap((name) => owned(`${name}.${persistent.zone}`, persistent.ownerId).map((set) => ({ ...set, Name: set.Name.replace('a-xdns.*', 'a-xdns.wildcard') })));
    await change(route53, 'CREATE', own);
    expect(await listing()).toHaveLength(before.length + own.length);
    await change(route53, 'DELETE', own);
    await change(await as(persistent, 'cert-manager'), 'UPSERT', [{ Name: `_acme-challenge.${persistent.zone}`, Type: 'TXT', value: '"token"' }]);
    await change(await as(persistent, 'cert-manager'), 'DELETE', [{ Name: `_acme-challenge.${persistent.zone}`, Type: 'TXT', value: '"token"' }]);
    expect(await listing()).toEqual(before);
  });

  test('C2: a build’s role reaches neither the base names nor another build', async () => {
    const before = await listing();
    const route53 = await as(build, 'external-dns');
    for (const Name of [build.zone, `kong.${build.zone}`, `*.${build.zone}`, `a-xdns.kong.${build.zone}`, `kong.b-21-11-26-02.${build.zone}`]) {
      await expect(change(route53, 'UPSERT', [{ Name, Type: 'TXT', value: '"mine"' }])).rejects.toMatchObject({ name: 'AccessDenied' });
    }
    await expect(change(route53, 'DELETE', owned(`kong.${persistent.hostSuffix}`, persistent.ownerId))).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(await listing()).toEqual(before);
  });

  test('T2: the preflight’s own questions say the same of both roles, and find a policy that leaks', async () => {
    for (const target of [persistent, build]) {
      expect(await allowedChanges(clients.iam, target, neededChanges(target))).toEqual(neededChanges(target));
      expect(await allowedChanges(clients.iam, target, forbiddenChanges(target))).toEqual([]);
    }
    // What the persistent role was before it was denied anything: the whole zone.
    const asBuildless = { ...persistent, lifecycle: 'ephemeral' as const };
    await roleActivities(clients).ensureIrsaRoles({ target: asBuildless, oidcIssuer: issuerOf(persistent), secrets: environment().secrets });
    expect((await allowedChanges(clients.iam, persistent, forbiddenChanges(persistent))).map(({ why }) => why)).toEqual(
      ['b-00-00-00-00', 'kong.b-00-00-00-00', String.raw`\052.apps.b-00-00-00-00`, 'a-xdns.b-00-00-00-00', String.raw`\052.b-00-00-00-00`].map((name) => `the name ${name}.dev.goldenpathidp.io`).concat([String.raw`a batch with \052.b-00-00-00-00.dev.goldenpathidp.io in it`]),
    );
    await roleActivities(clients).ensureIrsaRoles({ target: persistent, oidcIssuer: issuerOf(persistent), secrets: environment().secrets });
    expect(await allowedChanges(clients.iam, persistent, forbiddenChanges(persistent))).toEqual([]);
  });
});

describe('the real ExternalDNS with the right role, and the owner id and domain filter of somebody else', () => {
  /** One round of it, with a Service that names these hosts: what it would write. Its log. */
  async function runAs(role: Plan['target'], told: Pick<Plan['target'], 'ownerId' | 'hostSuffix'>, hosts: readonly string[]): Promise<string> {
    const core = cluster.config.makeApiClient(CoreV1Api);
    const service = await core.createNamespacedService({ namespace: 'default', body: { metadata: { generateName: 'names-', annotations: { 'external-dns.alpha.kubernetes.io/hostname': hosts.join(',') } }, spec: { type: 'ExternalName', externalName: 'elsewhere.example.org' } } });
    const tokenFile = join(cluster.dir, 'web-identity');
    await writeFile(tokenFile, await token(role, 'external-dns'));
    const args = [...contractedArgs({ ...told, hostedZoneId: persistent.hostedZoneId }), `--kubeconfig=${cluster.cluster.adminKubeconfigPath}`, '--once', '--aws-batch-change-interval=0s'];
    const env = { AWS_ENDPOINT_URL: aws.gateway.url, AWS_ENDPOINT_URL_STS: aws.gateway.url, AWS_REGION: REGION, AWS_ROLE_ARN: irsaRoleArn(role, 'external-dns'), AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile };
    try {
      const { stderr } = await promisify(execFile)(externalDns, args, { env, timeout: 60_000 });
      return stderr;
    } catch (error) { // it ends with 1 where Route 53 refuses
      if (!(error instanceof Error) || !('stderr' in error)) throw error;
      return String(error.stderr);
    } finally {
      await core.deleteNamespacedService({ namespace: 'default', name: service.metadata?.name ?? '' });
    }
  }

  test('D1: a persistent one that was told to be a build neither deletes the build’s records nor writes beside them', async () => {
    const before = await listing();
    const log = await runAs(persistent, build, [`evil.${build.hostSuffix}`]);
    expect(log).toContain('AccessDenied');
    expect(log).toContain(`Desired change: DELETE kong.${build.hostSuffix}`);
    expect(await listing()).toEqual(before);
    expect(aws.gateway.requests({ service: 'route53', operation: 'ChangeResourceRecordSets', principal: `*assumed-role/${persistent.cluster}-external-dns/*` }).at(-1)).toMatchObject({ status: 403, errorCode: 'AccessDenied' });
  });

  test('D1: a persistent one as contracted does not write a build’s name that a tenant asks for, and no record of the build changes', async () => {
    const before = await listing();
    await runAs(persistent, persistent, [`fresh.${build.hostSuffix}`, `kong.${build.hostSuffix}`, `kong.${persistent.hostSuffix}`]);
    expect((await listing()).filter((line) => line.includes('b-21-11-26-01'))).toEqual(before.filter((line) => line.includes('b-21-11-26-01')));
  });

  test('C2: a build’s that was told to be the persistent one changes no base name', async () => {
    const before = await listing();
    const log = await runAs(build, persistent, [`evil.${persistent.hostSuffix}`]);
    expect(log).toContain('AccessDenied');
    expect(await listing()).toEqual(before);
  });

  test('D2: as contracted each writes its own', async () => {
    await runAs(build, build, [`kong.${build.hostSuffix}`, `shop.${build.hostSuffix}`]);
    await runAs(persistent, persistent, [`kong.${persistent.hostSuffix}`, `backstage.${persistent.hostSuffix}`]);
    const after = await listing();
    for (const host of [`shop.${build.hostSuffix}`, `backstage.${persistent.hostSuffix}`]) expect(after).toContain(`${host} CNAME elsewhere.example.org`);
    expect(after.filter((line) => line.includes(`cname-xdns.backstage.${persistent.zone} TXT`))).toEqual([expect.stringContaining('external-dns/owner=goldenpath-dev,')]);
    expect(after.filter((line) => line.includes(`cname-xdns.shop.${build.hostSuffix} TXT`))).toEqual([expect.stringContaining('external-dns/owner=goldenpath-dev-21-11-26-01,')]);
  });
});

