// Stands in for cert-manager and Let's Encrypt: ClusterIssuers become Ready; a Certificate writes its DNS-01 challenges into
// Route 53 with the role's own session, waits until they are INSYNC, takes them back, and gets a self-signed pair (T2, failure 18).
import { randomBytes, X509Certificate } from 'node:crypto';
import { ChangeResourceRecordSetsCommand, GetChangeCommand, Route53Client } from '@aws-sdk/client-route-53';
import { selfSigned } from '../aws/eks/certificate.ts';
import { type AwsSettings, clientPerDeployment } from './irsa.ts';
import { argumentOf, type Condition, type Deployment, saysAlready, SECRET, stamp, withCondition } from './kinds.ts';
import { apiVersion, type Kind, type Kube, type Resource } from './kube.ts';
import { handles, type StandIn, type World } from './runner.ts';

interface Issuer extends Resource {
  spec: { acme?: { server: string; privateKeySecretRef: { name: string }; solvers?: { dns01?: { route53?: { hostedZoneID?: string } } }[] } };
  status?: { conditions?: Condition[] };
}
interface Certificate extends Resource {
  spec: { secretName: string; dnsNames?: string[]; issuerRef: { kind?: string; name: string } };
  status?: { conditions?: Condition[]; revision?: number };
}

const CLUSTER_ISSUER: Kind<Issuer> = { group: 'cert-manager.io', version: 'v1', plural: 'clusterissuers', kind: 'ClusterIssuer', namespaced: false };
const CERTIFICATE: Kind<Certificate> = { group: 'cert-manager.io', version: 'v1', plural: 'certificates', kind: 'Certificate', namespaced: true };
/** How soon to look again for an issuer that is not Ready, or a change that is PENDING. */
const LOOK_MS = 500;
/** cert-manager renews at two thirds of a certificate's life. */
const RENEW_AT = 2 / 3;

/** A challenge's records as they were written, and the change that wrote them. */
interface Challenge { zone: string; records: { name: string; value: string }[]; changeId: string }

/** cert-manager of one cluster. */
export function certManager(settings: AwsSettings): StandIn {
  const clients = clientPerDeployment(settings, (configuration) => new Route53Client(configuration));
  const challenges = new Map<string, Challenge>();
  return {
    name: 'cert-manager',
    deployment: { namespace: 'cert-manager', name: 'cert-manager' },
    handlers: [
      handles(CLUSTER_ISSUER, async ({ kube }, issuer) => register(kube, issuer)),
      handles(CERTIFICATE, async (world, certificate) => issue(world, clients.of(world.kube, world.deployment), challenges, certificate)),
    ],
    stop: () => {
      clients.stop();
    },
  };
}

/** An ACME issuer gets its account's key; every issuer becomes Ready. */
async function register(kube: Kube, { metadata, spec, status }: Issuer): Promise<undefined> {
  const condition: Condition = spec.acme === undefined
    ? { type: 'Ready', status: 'True', reason: 'IsReady', message: 'Issuer is ready' }
    : { type: 'Ready', status: 'True', reason: 'ACMEAccountRegistered', message: 'The ACME account was registered with the ACME server' };
  if (saysAlready(status?.conditions, condition)) return undefined;
  if (spec.acme !== undefined) await putSecret(kube, { metadata: { name: spec.acme.privateKeySecretRef.name, namespace: 'cert-manager' }, type: 'Opaque', data: { 'tls.key': base64(selfSigned('acme account').key) } });
  await kube.patch(CLUSTER_ISSUER, metadata, { status: { conditions: withCondition(status?.conditions, condition, new Date()), acme: { uri: spec.acme?.server ?? '' } } }, 'status');
  return undefined;
}

/** One step towards the certificate; looks again until it is done. */
async function issue(world: World, route53: Route53Client, challenges: Map<string, Challenge>, certificate: Certificate): Promise<number | undefined> {
  const { metadata, spec, status } = certificate;
  const uid = metadata.uid ?? '';
  if (metadata.deletionTimestamp !== undefined) return undefined;
  if (status?.conditions?.some(({ type, status: is, observedGeneration }) => type === 'Ready' && is === 'True' && observedGeneration === metadata.generation)) return undefined;
  const issuer = world.known(CLUSTER_ISSUER).find((candidate) => candidate.metadata.name === spec.issuerRef.name);
  if (!(issuer?.status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false)) return LOOK_MS;
  const zone = issuer?.spec.acme?.solvers?.[0]?.dns01?.route53?.hostedZoneID;
  if (zone !== undefined) {
    const pending = challenges.get(uid);
    if (pending === undefined) {
      await report(world.kube, certificate, { type: 'Ready', status: 'False', reason: 'DoesNotExist', message: 'Issuing certificate as Secret does not exist' });
      challenges.set(uid, await present(route53, zone, spec.dnsNames ?? []));
      return LOOK_MS;
    }
    const { ChangeInfo: change } = await route53.send(new GetChangeCommand({ Id: pending.changeId }));
    if (change?.Status !== 'INSYNC') return LOOK_MS;
    await cleanUp(route53, pending);
    challenges.delete(uid);
  }
  await storePair(world.kube, world.deployment, certificate);
  return undefined;
}

/** Writes the TXT record of each name's challenge. A wildcard's challenge is that of the name below its star (RFC 8555 § 7.1.3). */
async function present(route53: Route53Client, zone: string, dnsNames: readonly string[]): Promise<Challenge> {
  const names = [...new Set(dnsNames.map((name) => `_acme-challenge.${name.replace(/^\*\./, '')}`))];
  const records = names.map((name) => ({ name, value: `"${randomBytes(32).toString('base64url')}"` }));
  const { ChangeInfo: change } = await route53.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: zone, ChangeBatch: { Changes: records.map((record) => changeOf('UPSERT', record)) } }));
  return { zone, records, changeId: change?.Id ?? '' };
}

async function cleanUp(route53: Route53Client, { zone, records }: Challenge): Promise<void> {
  await route53.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: zone, ChangeBatch: { Changes: records.map((record) => changeOf('DELETE', record)) } }));
}

function changeOf(Action: 'UPSERT' | 'DELETE', { name, value }: { name: string; value: string }) {
  return { Action, ResourceRecordSet: { Name: name, Type: 'TXT' as const, TTL: 10, ResourceRecords: [{ Value: value }] } };
}

async function storePair(kube: Kube, deployment: Deployment, certificate: Certificate): Promise<void> {
  const { metadata, spec, status } = certificate;
  const names = spec.dnsNames ?? [];
  const pair = selfSigned(names[0] ?? metadata.name, { dnsNames: names });
  const owned = argumentOf(deployment, 'cert-manager-controller', 'enable-certificate-owner-ref') === 'true';
  await putSecret(kube, {
    metadata: {
      name: spec.secretName,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      annotations: { 'cert-manager.io/certificate-name': metadata.name, 'cert-manager.io/issuer-name': spec.issuerRef.name, 'cert-manager.io/issuer-kind': spec.issuerRef.kind ?? 'Issuer', 'cert-manager.io/alt-names': names.join(',') },
      ...(owned && { ownerReferences: [{ apiVersion: apiVersion(CERTIFICATE), kind: CERTIFICATE.kind, name: metadata.name, uid: metadata.uid ?? '', controller: true, blockOwnerDeletion: true }] }),
    },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': base64(pair.cert), 'tls.key': base64(pair.key) },
  });
  const { validFromDate, validToDate } = new X509Certificate(pair.cert);
  const renewal = new Date(validFromDate.getTime() + (validToDate.getTime() - validFromDate.getTime()) * RENEW_AT);
  await report(kube, certificate, { type: 'Ready', status: 'True', reason: 'Ready', message: 'Certificate is up to date and has not expired' }, {
    notBefore: stamp(validFromDate), notAfter: stamp(validToDate), renewalTime: stamp(renewal), revision: (status?.revision ?? 0) + 1,
  });
}

async function report(kube: Kube, { metadata, status }: Certificate, condition: Condition, more: object = {}): Promise<void> {
  const observed = { ...condition, ...(metadata.generation !== undefined && { observedGeneration: metadata.generation }) };
  await kube.patch(CERTIFICATE, metadata, { status: { conditions: withCondition(status?.conditions, observed, new Date()), ...more } }, 'status');
}

interface SecretInput { metadata: Resource['metadata']; type: string; data: Record<string, string> }

async function putSecret(kube: Kube, secret: SecretInput): Promise<void> {
  const patched = await kube.patch(SECRET, secret.metadata, { metadata: secret.metadata, data: secret.data });
  if (patched === undefined) await kube.create(SECRET, secret);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
