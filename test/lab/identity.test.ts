// Identities of the lab: STS sessions, IRSA, the IAM guard on DNS changes, EKS tokens (C1, C2).
import { Sha256 } from '@aws-crypto/sha256-js';
import {
  AttachUserPolicyCommand, CreateAccessKeyCommand, CreateOpenIDConnectProviderCommand, CreateRoleCommand, CreateUserCommand, DeleteRolePolicyCommand, IAMClient,
  PutRolePolicyCommand, PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { ChangeResourceRecordSetsCommand, CreateHostedZoneCommand, ListHostedZonesCommand, ListResourceRecordSetsCommand, Route53Client } from '@aws-sdk/client-route-53';
import { AssumeRoleCommand, AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand, STSClient, type Credentials } from '@aws-sdk/client-sts';
import { formatUrl } from '@aws-sdk/util-format-url';
import { SignatureV4 } from '@smithy/signature-v4';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedAdmin } from '../../lab/aws/admin.ts';
import type { AccessKey } from '../../lab/aws/principals.ts';
import { verifyEksToken } from '../../lab/aws/sts/eks-token.ts';
import { ACCOUNT, REGION, startAws, type TestAws } from '../support/moto.ts';

const ISSUER = 'https://oidc.lab.example/id/ABC';
const PROVIDER = `arn:aws:iam::${ACCOUNT}:oidc-provider/oidc.lab.example/id/ABC`;
const NAMES = 'route53:ChangeResourceRecordSetsNormalizedRecordNames';
let aws: TestAws;
let admin: AccessKey;
let iam: IAMClient;
let sts: STSClient;
let signing: CryptoKey;
let zone: string;

beforeAll(async () => {
  aws = await startAws();
  admin = await seedAdmin(aws.gateway.world);
  iam = new IAMClient(as(admin));
  sts = new STSClient(as(admin));
  const pair = await generateKeyPair('RS256');
  signing = pair.privateKey;
  aws.gateway.world.issuers.set(ISSUER, { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }] });
  await iam.send(new CreateOpenIDConnectProviderCommand({ Url: ISSUER, ClientIDList: ['sts.amazonaws.com'], ThumbprintList: ['a'.repeat(40)] }));
  const { HostedZone } = await new Route53Client(as(admin)).send(new CreateHostedZoneCommand({ Name: 'dev.example.io', CallerReference: 'z' }));
  zone = HostedZone?.Id ?? '';
  await makeRole('dns', webTrust('system:serviceaccount:dns:external-dns'));
  await iam.send(new PutRolePolicyCommand({ RoleName: 'dns', PolicyName: 'scope', PolicyDocument: JSON.stringify(scope('b-1.dev.example.io')) }));
});

afterAll(async () => {
  await aws.stop();
});

function as(key: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }) {
  return { endpoint: aws.gateway.url, region: REGION, credentials: key, maxAttempts: 1 };
}

function session({ AccessKeyId = '', SecretAccessKey = '', SessionToken = '' }: Credentials = { AccessKeyId: '', SecretAccessKey: '', SessionToken: '', Expiration: new Date(0) }) {
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

function makeRole(RoleName: string, trust: object) {
  return iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }) }));
}

function webTrust(subject: string) {
  return {
    Effect: 'Allow', Principal: { Federated: PROVIDER }, Action: 'sts:AssumeRoleWithWebIdentity',
    Condition: { StringEquals: { 'oidc.lab.example/id/ABC:sub': subject, 'oidc.lab.example/id/ABC:aud': 'sts.amazonaws.com' } },
  };
}

function scope(suffix: string) {
  return {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: ['route53:ListResourceRecordSets', 'route53:ListHostedZones'], Resource: '*' },
      {
        Effect: 'Allow', Action: 'route53:ChangeResourceRecordSets', Resource: `arn:aws:route53:::${zone.slice(1)}`,
        Condition: { 'ForAllValues:StringLike': { [NAMES]: [suffix, `*.${suffix}`] }, 'ForAllValues:StringEquals': { 'route53:ChangeResourceRecordSetsRecordTypes': ['A', 'TXT'] } },
      },
    ],
  };
}

interface TokenOptions { subject?: string; audience?: string; issuer?: string; expires?: string; key?: CryptoKey }
function token({ subject = 'system:serviceaccount:dns:external-dns', audience = 'sts.amazonaws.com', issuer = ISSUER, expires = '1h', key = signing }: TokenOptions = {}) {
  return new SignJWT({}).setProtectedHeader({ alg: 'RS256', kid: 'k1' }).setIssuer(issuer).setSubject(subject).setAudience(audience).setIssuedAt().setExpirationTime(expires).sign(key);
}

async function assumeByToken(options: TokenOptions = {}, role = 'dns') {
  const client = new STSClient({ endpoint: aws.gateway.url, region: REGION, maxAttempts: 1 });
  return client.send(new AssumeRoleWithWebIdentityCommand({ RoleArn: `arn:aws:iam::${ACCOUNT}:role/${role}`, RoleSessionName: 'pod', WebIdentityToken: await token(options) }));
}

describe('C1: IRSA: a service account assumes its role', () => {
  it('C1: with a good token, and its key is then known as the role', async () => {
    const { Credentials, AssumedRoleUser } = await assumeByToken();
    expect(AssumedRoleUser?.Arn).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/dns/pod`);
    const me = await new STSClient(as(session(Credentials))).send(new GetCallerIdentityCommand());
    expect(me).toMatchObject({ Account: ACCOUNT, Arn: `arn:aws:sts::${ACCOUNT}:assumed-role/dns/pod`, UserId: AssumedRoleUser?.AssumedRoleId });
  });

  it.each([
    ['another service account', { subject: 'system:serviceaccount:dns:other' }, 'AccessDenied', 403],
    ['another audience', { audience: 'other' }, 'InvalidIdentityTokenException', 400],
    ['an issuer without a provider', { issuer: 'https://elsewhere.example' }, 'InvalidIdentityTokenException', 400],
    ['an expired token', { expires: '-1m' }, 'ExpiredTokenException', 400],
  ])('C1: never with %s', async (_, options, name, status) => {
    await expect(assumeByToken(options)).rejects.toMatchObject({ name, $metadata: { httpStatusCode: status } });
  });

  it('C1: never with a token of another key, nor into a role that is not there', async () => {
    const { privateKey } = await generateKeyPair('RS256');
    await expect(assumeByToken({ key: privateKey })).rejects.toMatchObject({ name: 'InvalidIdentityTokenException' });
    await expect(assumeByToken({}, 'nobody')).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});

describe('C2: the DNS guard is enforced by IAM', () => {
  async function changeAs(Name: string, Type: 'A' | 'CNAME' = 'A') {
    const route53 = new Route53Client(as(session((await assumeByToken()).Credentials)));
    const Value = Type === 'A' ? '192.0.2.1' : 'x.example.io';
    return route53.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: zone, ChangeBatch: { Changes: [{ Action: 'UPSERT', ResourceRecordSet: { Name, Type, TTL: 60, ResourceRecords: [{ Value }] } }] } }));
  }

  it('C2: names inside the suffix are changed', async () => {
    for (const name of ['b-1.dev.example.io', 'Api.B-1.dev.example.io.', '*.b-1.dev.example.io']) {
      expect((await changeAs(name)).ChangeInfo?.Status).toBe('PENDING');
    }
  });

  it('C2: names outside it and other types are refused with the sentence of AWS', async () => {
    const refused = changeAs('b-11.dev.example.io');
    await expect(refused).rejects.toMatchObject({ name: 'AccessDenied', $metadata: { httpStatusCode: 403 } });
    await expect(refused).rejects.toThrow(
      `User: arn:aws:sts::${ACCOUNT}:assumed-role/dns/pod is not authorized to perform: route53:ChangeResourceRecordSets on resource: arn:aws:route53:::${zone.slice(1)} because no identity-based policy allows the route53:ChangeResourceRecordSets action`,
    );
    await expect(changeAs('dev.example.io')).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(changeAs('c.b-1.dev.example.io', 'CNAME')).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  it('C2: a policy that changes in IAM counts at the next call', async () => {
    await makeRole('fickle', webTrust('system:serviceaccount:dns:external-dns'));
    const route53 = new Route53Client(as(session((await assumeByToken({}, 'fickle')).Credentials)));
    const list = () => route53.send(new ListResourceRecordSetsCommand({ HostedZoneId: zone }));
    await expect(list()).rejects.toMatchObject({ name: 'AccessDenied' });
    await iam.send(new PutRolePolicyCommand({ RoleName: 'fickle', PolicyName: 'p', PolicyDocument: JSON.stringify(scope('x.io')) }));
    expect((await list()).ResourceRecordSets?.length).toBeGreaterThan(1);
    await iam.send(new DeleteRolePolicyCommand({ RoleName: 'fickle', PolicyName: 'p' }));
    await expect(list()).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});

describe('C2: users and roles', () => {
  it('C2: a user may do what its policies say, a new key signs', async () => {
    await iam.send(new CreateUserCommand({ UserName: 'eve' }));
    const { AccessKey: made } = await iam.send(new CreateAccessKeyCommand({ UserName: 'eve' }));
    const key = { accessKeyId: made?.AccessKeyId ?? '', secretAccessKey: made?.SecretAccessKey ?? '' };
    const list = () => new Route53Client(as(key)).send(new ListHostedZonesCommand());
    await expect(list()).rejects.toThrow(`User: arn:aws:iam::${ACCOUNT}:user/eve is not authorized to perform: route53:ListHostedZones on resource: *`);
    await iam.send(new AttachUserPolicyCommand({ UserName: 'eve', PolicyArn: 'arn:aws:iam::aws:policy/AmazonRoute53ReadOnlyAccess' }));
    expect((await list()).HostedZones).toHaveLength(1);
    await iam.send(new PutUserPolicyCommand({ UserName: 'eve', PolicyName: 'no', PolicyDocument: '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"route53:*","Resource":"*"}}' }));
    await expect(list()).rejects.toThrow('with an explicit deny in an identity-based policy');
  });

  it('C2: AssumeRole asks the trust policy, and a session policy narrows it', async () => {
    const RoleArn = `arn:aws:iam::${ACCOUNT}:role/ops`;
    await makeRole('ops', { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: 'sts:AssumeRole' });
    await iam.send(new PutRolePolicyCommand({ RoleName: 'ops', PolicyName: 'p', PolicyDocument: '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"route53:*","Resource":"*"}}' }));
    const whole = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 's' }));
    expect((await new Route53Client(as(session(whole.Credentials))).send(new ListHostedZonesCommand())).HostedZones).toHaveLength(1);
    const Policy = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"route53:GetHostedZone","Resource":"*"}}';
    const narrow = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 's', Policy }));
    await expect(new Route53Client(as(session(narrow.Credentials))).send(new ListHostedZonesCommand())).rejects.toThrow('because no session policy allows');
    await expect(sts.send(new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${ACCOUNT}:role/dns`, RoleSessionName: 's' }))).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(new STSClient({ ...aws.client, maxAttempts: 1 }).send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 's' }))).rejects.toThrow('Roles may not be assumed by root accounts.');
  });
});

describe('C1: Kubernetes tokens of EKS', () => {
  async function eksToken(cluster: string, { expiresIn = 60, key = admin, at = new Date() }: { expiresIn?: number; key?: AccessKey; at?: Date } = {}) {
    const url = new URL(aws.gateway.url);
    const signer = new SignatureV4({ service: 'sts', region: REGION, sha256: Sha256, credentials: key });
    const signed = await signer.presign(
      {
        method: 'GET', protocol: 'http:', hostname: url.hostname, port: Number(url.port), path: '/', query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
        headers: { host: url.host, 'x-k8s-aws-id': cluster },
      },
      { expiresIn, signingDate: at },
    );
    return `k8s-aws-v1.${Buffer.from(formatUrl(signed)).toString('base64url')}`;
  }

  it('C1: a token speaks for its signer on its own cluster only', async () => {
    const { world } = aws.gateway;
    expect(verifyEksToken(world, await eksToken('one'), 'one')).toMatchObject({ principal: { arn: `arn:aws:iam::${ACCOUNT}:user/lab-admin` } });
    expect(verifyEksToken(world, await eksToken('one'), 'two')).toHaveProperty('reason');
    expect(verifyEksToken(world, await eksToken('one', { key: { ...admin, secretAccessKey: 'x' } }), 'one')).toHaveProperty('reason');
    expect(verifyEksToken(world, await eksToken('one', { expiresIn: 1000 }), 'one')).toEqual({ reason: 'invalid X-Amz-Expires parameter in pre-signed URL' });
    expect(verifyEksToken(world, await eksToken('one', { at: new Date(Date.now() - 14 * 60_000) }), 'one')).toHaveProperty('principal');
    expect(verifyEksToken(world, await eksToken('one', { at: new Date(Date.now() - 16 * 60_000) }), 'one')).toEqual({ reason: 'token has expired' });
    expect(verifyEksToken(world, 'eyJhbGciOi', 'one')).toHaveProperty('reason');
  });

  it('C1: the webhook authenticates who has an access entry', async () => {
    aws.gateway.world.clusters.set('one', { identify: ({ name }) => (name === 'lab-admin' ? { username: name, groups: ['system:masters'] } : undefined) });
    const review = async (text: string): Promise<unknown> => {
      const spec = { token: text };
      const answer = await fetch(`${aws.gateway.url}/_lab/token-review/one`, { method: 'POST', body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec }) });
      return answer.json();
    };
    expect(await review(await eksToken('one'))).toMatchObject({
      apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview',
      status: { authenticated: true, user: { username: 'lab-admin', groups: ['system:masters'], extra: { arn: [`arn:aws:iam::${ACCOUNT}:user/lab-admin`] } } },
    });
    const stranger = { ...admin, principal: { ...admin.principal, name: 'other', arn: 'arn:other' }, accessKeyId: 'AKIAOTHER' };
    aws.gateway.world.keys.set('AKIAOTHER', stranger);
    expect(await review(await eksToken('one', { key: stranger }))).toMatchObject({ status: { authenticated: false } });
    expect(await review('nonsense')).toMatchObject({ status: { authenticated: false } });
  });

  it('C1: STS itself answers the presigned URL', async () => {
    const url = Buffer.from((await eksToken('one')).slice('k8s-aws-v1.'.length), 'base64url').toString();
    const answer = await fetch(url, { headers: { 'x-k8s-aws-id': 'one' } });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain(`<Arn>arn:aws:iam::${ACCOUNT}:user/lab-admin</Arn>`);
    expect((await fetch(url, { headers: { 'x-k8s-aws-id': 'two' } })).status).toBe(403);
  });
});
