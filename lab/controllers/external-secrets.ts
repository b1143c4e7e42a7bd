// Stands in for External Secrets: stores become Ready by the role's own session, ExternalSecrets become Secrets with the
// values of AWS Secrets Manager read through the gateway; finalizers and conditions as upstream's, v1 API (T2, T3).
import { createHash } from 'node:crypto';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { assumeOwnRole, type AwsSettings, clientPerDeployment } from './irsa.ts';
import { type Condition, saysAlready, SECRET, stamp, withCondition } from './kinds.ts';
import { apiVersion, type Kind, type Resource } from './kube.ts';
import { handles, type StandIn, type World } from './runner.ts';

interface Store extends Resource {
  spec: { provider: { aws?: { service: string; region: string } } };
  status?: { conditions?: Condition[] };
}

interface RemoteRef { key: string; property?: string }
interface ExternalSecret extends Resource {
  spec: {
    refreshInterval?: string;
    secretStoreRef?: { kind?: string; name: string };
    target?: { name?: string; creationPolicy?: string; deletionPolicy?: string };
    data?: { secretKey: string; remoteRef: RemoteRef }[];
    dataFrom?: { extract?: RemoteRef }[];
  };
  status?: { conditions?: Condition[]; refreshTime?: string; syncedResourceVersion?: string };
}

const CLUSTER_STORE: Kind<Store> = { group: 'external-secrets.io', version: 'v1', plural: 'clustersecretstores', kind: 'ClusterSecretStore', namespaced: false };
const STORE: Kind<Store> = { group: 'external-secrets.io', version: 'v1', plural: 'secretstores', kind: 'SecretStore', namespaced: true };
const EXTERNAL_SECRET: Kind<ExternalSecret> = { group: 'external-secrets.io', version: 'v1', plural: 'externalsecrets', kind: 'ExternalSecret', namespaced: true };
const FINALIZER = 'externalsecrets.external-secrets.io/externalsecret-cleanup';
/** How soon an ExternalSecret looks again for a store that is not Ready. */
const STORE_WAIT_MS = 1_000;
/** Upstream's default of refreshInterval. */
const DEFAULT_REFRESH = '1h';

/** External Secrets of one cluster. */
export function externalSecrets(settings: AwsSettings): StandIn {
  const clients = clientPerDeployment(settings, (configuration) => new SecretsManagerClient(configuration));
  return {
    name: 'external-secrets',
    deployment: { namespace: 'external-secrets', name: 'external-secrets' },
    handlers: [
      handles(CLUSTER_STORE, async (world, store) => validateStore(world, settings, CLUSTER_STORE, store)),
      handles(STORE, async (world, store) => validateStore(world, settings, STORE, store)),
      handles(EXTERNAL_SECRET, async (world, object) => synchronise(world, clients.of(world.kube, world.deployment), object)),
    ],
    stop: () => {
      clients.stop();
    },
  };
}

/** A store is Ready when its provider is AWS Secrets Manager and the controller gets a session of its role. */
async function validateStore({ kube, deployment }: World, settings: AwsSettings, kind: Kind<Store>, store: Store): Promise<undefined> {
  const condition = await storeCondition(() => assumeOwnRole(kube, deployment, settings), store);
  if (!saysAlready(store.status?.conditions, condition)) {
    const status = { conditions: withCondition(store.status?.conditions, condition, new Date()), ...(condition.status === 'True' && { capabilities: 'ReadWrite' }) };
    await kube.patch(kind, store.metadata, { status }, 'status');
  }
  if (condition.status !== 'True') throw new Error(condition.message);
  return undefined;
}

async function storeCondition(assume: () => Promise<unknown>, { spec }: Store): Promise<Condition> {
  if (spec.provider.aws?.service !== 'SecretsManager') return invalid('the lab stands in for the AWS Secrets Manager provider only');
  try {
    await assume();
  } catch (error) {
    // Whatever keeps the role from being assumed is what the store's condition is for.
    return invalid(`unable to create session: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { type: 'Ready', status: 'True', reason: 'Valid', message: 'store validated' };
}

function invalid(message: string): Condition {
  return { type: 'Ready', status: 'False', reason: 'InvalidProviderConfig', message };
}

/** One ExternalSecret: finalizer, values, Secret, condition; looks again after its refresh interval. */
async function synchronise(world: World, client: SecretsManagerClient, object: ExternalSecret): Promise<number | undefined> {
  const { kube } = world;
  const { metadata, spec } = object;
  const finalizers = metadata.finalizers ?? [];
  if (metadata.deletionTimestamp !== undefined) {
    // The Secret is owned by the ExternalSecret, so the garbage collector takes it.
    if (finalizers.includes(FINALIZER)) await kube.patch(EXTERNAL_SECRET, metadata, { metadata: { resourceVersion: metadata.resourceVersion, finalizers: finalizers.filter((name) => name !== FINALIZER) } });
    return undefined;
  }
  if (!finalizers.includes(FINALIZER)) {
    await kube.patch(EXTERNAL_SECRET, metadata, { metadata: { resourceVersion: metadata.resourceVersion, finalizers: [...finalizers, FINALIZER] } });
    return undefined; // the change comes back as an event
  }
  const refreshMs = milliseconds(spec.refreshInterval ?? DEFAULT_REFRESH);
  if (isFresh(object, refreshMs)) return refreshMs;
  if (!storeIsReady(world, object)) return STORE_WAIT_MS;
  try {
    const data = await readValues(client, spec);
    await writeSecret(world, object, data);
  } catch (error) {
    await report(world, object, { type: 'Ready', status: 'False', reason: 'SecretSyncedError', message: 'could not get secret data from provider' });
    throw error;
  }
  await report(world, object, { type: 'Ready', status: 'True', reason: 'SecretSynced', message: 'secret synced' }, { refreshTime: stamp(new Date()), syncedResourceVersion: versionOf(object), binding: { name: targetName(object) } });
  return refreshMs === 0 ? undefined : refreshMs;
}

/** Upstream's name of a spec's state: its generation and a hash of what it came with. */
function versionOf({ metadata: { generation = 0, uid = '' } }: ExternalSecret): string {
  return `${generation}-${createHash('sha256').update(uid).digest('hex').slice(0, 56)}`;
}

function isFresh({ metadata, status }: ExternalSecret, refreshMs: number): boolean {
  if (status?.syncedResourceVersion === undefined || status.refreshTime === undefined) return false;
  if (!status.syncedResourceVersion.startsWith(`${metadata.generation ?? 0}-`)) return false;
  return refreshMs === 0 || Date.parse(status.refreshTime) + refreshMs > Date.now();
}

function storeIsReady({ known }: World, { metadata, spec }: ExternalSecret): boolean {
  const stores: readonly Store[] = spec.secretStoreRef?.kind === 'ClusterSecretStore' ? known(CLUSTER_STORE) : known(STORE).filter((store) => store.metadata.namespace === metadata.namespace);
  const store = stores.find((candidate) => candidate.metadata.name === spec.secretStoreRef?.name);
  return store?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

async function readValues(client: SecretsManagerClient, { data = [], dataFrom = [] }: ExternalSecret['spec']): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const { extract } of dataFrom) if (extract !== undefined) Object.assign(values, await readObject(client, extract.key));
  for (const { secretKey, remoteRef } of data) {
    const text = await readText(client, remoteRef.key);
    values[secretKey] = remoteRef.property === undefined ? text : property(text, remoteRef);
  }
  return values;
}

async function readText(client: SecretsManagerClient, key: string): Promise<string> {
  const { SecretString: text, SecretBinary: bytes } = await client.send(new GetSecretValueCommand({ SecretId: key }));
  return text ?? Buffer.from(bytes ?? []).toString();
}

async function readObject(client: SecretsManagerClient, key: string): Promise<Record<string, string>> {
  const parsed: unknown = JSON.parse(await readText(client, key));
  if (typeof parsed !== 'object' || parsed === null) throw new Error(`secret ${key} is no JSON object`);
  return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]));
}

function property(text: string, { key, property: name = '' }: RemoteRef): string {
  const parsed: unknown = JSON.parse(text);
  const value: unknown = typeof parsed === 'object' && parsed !== null ? Object.entries(parsed).find(([entry]) => entry === name)?.[1] : undefined;
  if (value === undefined) throw new Error(`key ${name} does not exist in secret ${key}`);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

async function writeSecret({ kube }: World, object: ExternalSecret, values: Record<string, string>): Promise<void> {
  const data = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));
  const { name, namespace, uid = '' } = object.metadata;
  const metadata = {
    name: targetName(object),
    ...(namespace !== undefined && { namespace }),
    labels: { 'reconcile.external-secrets.io/managed': 'true', 'reconcile.external-secrets.io/created-by': createHash('sha3-224').update(`${namespace ?? ''}/${name}`).digest('hex') },
    annotations: { 'reconcile.external-secrets.io/data-hash': createHash('sha3-224').update(JSON.stringify(data)).digest('hex') },
    ...(object.spec.target?.creationPolicy !== 'Orphan' && { ownerReferences: [{ apiVersion: apiVersion(EXTERNAL_SECRET), kind: EXTERNAL_SECRET.kind, name, uid, controller: true, blockOwnerDeletion: true }] }),
  };
  const patched = await kube.patch(SECRET, metadata, { metadata, data });
  if (patched === undefined) await kube.create(SECRET, { metadata, type: 'Opaque', data });
}

function targetName({ metadata, spec }: ExternalSecret): string {
  return spec.target?.name ?? metadata.name;
}

async function report({ kube }: World, { metadata, status }: ExternalSecret, condition: Condition, more: object = {}): Promise<void> {
  if (saysAlready(status?.conditions, condition) && Object.keys(more).length === 0) return;
  await kube.patch(EXTERNAL_SECRET, metadata, { status: { conditions: withCondition(status?.conditions, condition, new Date()), ...more } }, 'status');
}

/** A Go duration of hours, minutes and seconds in milliseconds: `1h30m`, `15s`, `0`. */
function milliseconds(duration: string): number {
  const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
  return [...duration.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)].reduce((total, [, amount, unit]) => total + Number(amount) * (units[unit ?? ''] ?? 0), 0);
}
