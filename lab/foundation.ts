// Seeds the foundation the way infrastructure code would have left it: what a platform consumes and never creates (F4).
// Names and ids come from the environment files; everything is tagged goldenpath.idp/plane: foundation.
import { randomBytes } from 'node:crypto';
import { ChangeResourceRecordSetsCommand, ChangeTagsForResourceCommand, CreateHostedZoneCommand, Route53Client } from '@aws-sdk/client-route-53';
import { IAMClient, TagUserCommand } from '@aws-sdk/client-iam';
import { CreateBucketCommand, PutBucketTaggingCommand, PutBucketVersioningCommand, S3Client, type BucketLocationConstraint } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Environment } from '../domain/environment.ts';
import { TAG } from '../domain/names.ts';
import { buildsSecrets } from '../domain/platform-secrets.ts';
import { seedAdmin } from './aws/admin.ts';
import type { Gateway } from './aws/gateway.ts';
import { rootPrincipal } from './aws/principals.ts';
import type { ZoneStore } from './aws/route53/state.ts';
import { seedNetwork, type FoundationNetwork } from './foundation-network.ts';

export interface Key { accessKeyId: string; secretAccessKey: string }

export interface Foundation {
  account: string;
  region: string;
  /** The access key of `platform-engineer`, who has AdministratorAccess: what `lab env` prints. */
  adminKey: Key;
  parentZoneId: string;
  /** By environment. */
  environments: Record<string, FoundationNetwork & { zoneId: string; bucket: string; secrets: string[] }>;
}

/** The id of the parent zone; environment files name only their own zones. */
const PARENT_ZONE_ID = 'Z0427815GOLDENPATHIDP';
const ENGINEER = 'platform-engineer';

/** How the seeding calls the gateway: as the account's root, with a key that is forgotten afterwards. */
type Caller = { endpoint: string; region: string; credentials: Key };

/**
 * Seeds every environment. The gateway's own process must call it: Route 53 gives ids by chance, and the zones get the
 * ids that the environment files record.
 * @param environments parsed environment files; account and region are the gateway's
 * @throws Error where two environments disagree about the parent zone
 */
export async function seedFoundation(gateway: Gateway, environments: readonly Environment[]): Promise<Foundation> {
  const { account, region, keys } = gateway.world;
  const credentials = { accessKeyId: `AKIASEED${randomBytes(6).toString('hex').toUpperCase()}`, secretAccessKey: randomBytes(30).toString('base64url') };
  keys.set(credentials.accessKeyId, { ...credentials, principal: rootPrincipal(account) });
  const caller = { endpoint: gateway.url, region, credentials };
  try {
    const { accessKeyId, secretAccessKey } = await seedAdmin(gateway.world, ENGINEER);
    await tagEngineer(caller);
    const adminKey = { accessKeyId, secretAccessKey };
    const parent = parentZoneOf(environments);
    await seedZone(gateway, caller, { name: parent, id: PARENT_ZONE_ID, tags: { [TAG.plane]: 'foundation' } });
    const seeded: Foundation['environments'] = {};
    for (const [index, environment] of environments.entries()) seeded[environment.name] = await seedEnvironment(gateway, caller, environment, index);
    return { account, region, adminKey, parentZoneId: PARENT_ZONE_ID, environments: seeded };
  } finally {
    keys.delete(credentials.accessKeyId);
  }
}

function parentZoneOf(environments: readonly Environment[]): string {
  const parents = [...new Set(environments.map(({ dns }) => dns.parentZone))];
  const [parent] = parents;
  if (parent === undefined || parents.length > 1) throw new Error(`the environments need one parent zone, not ${parents.join(', ')}`);
  return parent;
}

async function tagEngineer(caller: Caller): Promise<void> {
  const iam = new IAMClient(caller);
  await iam.send(new TagUserCommand({ UserName: ENGINEER, Tags: [{ Key: TAG.plane, Value: 'foundation' }] }));
  iam.destroy();
}

async function seedEnvironment(gateway: Gateway, caller: Caller, environment: Environment, index: number): Promise<Foundation['environments'][string]> {
  const { name, dns, registry, secrets, objectStorage } = environment;
  const tags = { [TAG.environment]: name, [TAG.plane]: 'foundation' };
  const [network] = await Promise.all([
    seedNetwork(caller, { name, tags, block: `10.${index}` }),
    seedBucket(caller, registry.bucket, tags),
    ...(objectStorage === undefined ? [] : [seedBucket(caller, objectStorage.lokiBucket, tags)]),
    seedSecrets(caller, [...secrets, ...buildsSecrets(environment)], tags),
  ]);
  const nameServers = await seedZone(gateway, caller, { name: dns.zone, id: dns.hostedZoneId, tags });
  await delegate(caller, dns.zone, nameServers);
  return { ...network, zoneId: dns.hostedZoneId, bucket: registry.bucket, secrets: secrets.map((secret) => secret.name) };
}

/** Creates a public zone, gives it its recorded id, tags it; answers its name servers. */
async function seedZone(gateway: Gateway, caller: Caller, zone: { name: string; id: string; tags: Record<string, string> }): Promise<string[]> {
  const route53 = new Route53Client(caller);
  const { HostedZone, DelegationSet } = await route53.send(new CreateHostedZoneCommand({ Name: zone.name, CallerReference: `foundation ${zone.id}` }));
  renumber(gateway, HostedZone?.Id ?? '', zone.id);
  const AddTags = Object.entries(zone.tags).map(([Key, Value]) => ({ Key, Value }));
  await route53.send(new ChangeTagsForResourceCommand({ ResourceType: 'hostedzone', ResourceId: zone.id, AddTags }));
  route53.destroy();
  return DelegationSet?.NameServers ?? [];
}

function renumber(gateway: Gateway, path: string, id: string): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the gateway keeps each service's state without its type
  const { zones } = gateway.state('route53') as ZoneStore;
  const chance = path.replace('/hostedzone/', '');
  const zone = zones.get(chance);
  if (zone === undefined) throw new Error(`Route 53 does not know the zone ${chance} it made`);
  zones.delete(chance);
  zones.set(id, { ...zone, id });
}

/** Writes the zone's name servers into the parent. */
async function delegate(caller: Caller, zone: string, nameServers: readonly string[]): Promise<void> {
  const route53 = new Route53Client(caller);
  const ResourceRecordSet = { Name: zone, Type: 'NS' as const, TTL: 172_800, ResourceRecords: nameServers.map((Value) => ({ Value })) };
  await route53.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: PARENT_ZONE_ID, ChangeBatch: { Changes: [{ Action: 'CREATE', ResourceRecordSet }] } }));
  route53.destroy();
}

/** The registry and Loki's: versioned, as receipts must not be lost. */
async function seedBucket(caller: Caller, Bucket: string, tags: Record<string, string>): Promise<void> {
  const s3 = new S3Client({ ...caller, forcePathStyle: true });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every region but us-east-1 is a location constraint
  await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: caller.region as BucketLocationConstraint } }));
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) } }));
  s3.destroy();
}

/** The application secrets that the environment file names, each with its keys; a `username` is `admin`, the rest is random. Logins of databases are not among them: `database apply` makes those. */
async function seedSecrets(caller: Caller, secrets: Environment['secrets'], tags: Record<string, string>): Promise<void> {
  const client = new SecretsManagerClient(caller);
  for (const { name, keys } of secrets) {
    const values = Object.fromEntries(keys.map((key) => [key, key === 'username' ? 'admin' : randomBytes(18).toString('base64url')]));
    await client.send(new CreateSecretCommand({ Name: name, SecretString: JSON.stringify(values), Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }));
  }
  client.destroy();
}
