// What must hold before a tier is raised, and what proves it afterwards, through the API server and IAM alone (T2, T3).
import { type IAMClient, paginateListAttachedRolePolicies, paginateListRolePolicies } from '@aws-sdk/client-iam';
import type { RDSClient } from '@aws-sdk/client-rds';
import type { S3Client } from '@aws-sdk/client-s3';
import type { KubernetesObject, V1ConfigMap, V1Deployment, V1Ingress, V1Node, V1PersistentVolumeClaim, V1Secret, V1StorageClass } from '@kubernetes/client-node';
import type { ApplicationState } from '../domain/applications.ts';
import { ARGOCD_NAMESPACE, BOOTSTRAP_CONFIG, componentsUpTo, isPlatformObject, platformHosts, ROOT_APPLICATION } from '../domain/components.ts';
import { GoldenpathError } from '../domain/errors.ts';
import type { CheckResult } from '../domain/foundation.ts';
import { instanceCheck, lokiBucketCheck } from '../domain/foundation-tier-2.ts';
import { isOwnedBy } from '../domain/names.ts';
import type { Target } from '../domain/plan.ts';
import { type SyncedSecret, syncedSecrets } from '../domain/platform-secrets.ts';
import type { ProbeOperation } from '../domain/probes.ts';
import { type Lifecycle, LIFECYCLES, type Tier } from '../domain/tiers.ts';
import { irsaRolesOf } from '../iam/index.ts';
import { applicationState, listApplications } from './argocd-applications.ts';
import type { Probes, Waiting } from './contract.ts';
import { allowedChanges, forbiddenChanges, neededChanges } from './dns-scope.ts';
import { deploymentRef } from './external-dns.ts';
import { readInstance, readLokiBucket } from './foundation-tier-2.ts';
import { getRole, iamContext } from './iam.ts';
import { check, defaultStorageClasses, demandChecks, nodesCheck, workloadProblem } from './kubernetes.ts';
import { type ClusterClient, nameOf, refOf } from './kubernetes-client.ts';
import { fromTagList } from './ownership.ts';
import { allPages } from './pages.ts';

const SECRETS_API = 'external-secrets.io/v1';
const CERTIFICATES_API = 'cert-manager.io/v1';
/** Names that the charts of tier 1.5 give: gitops/apps/prometheus, grafana and backstage. */
const MONITORING = 'monitoring';
const GRAFANA_SECRET = 'grafana-admin';
const BACKSTAGE = { name: 'backstage', namespace: 'backstage' };
const BACKSTAGE_SECRET = { name: 'backstage-oidc', namespace: 'backstage', keys: ['backstage'] };

interface Conditioned extends KubernetesObject {
  status?: {
    conditions?: { type?: string; status?: string; message?: string; observedGeneration?: number }[];
    /** Of an ExternalSecret: the generation that was synced, and a hash after a dash. */
    syncedResourceVersion?: string;
  };
}

/** What a preflight asks of AWS. */
interface PreflightClients {
  iam: IAMClient;
  rds: RDSClient;
  s3: S3Client;
}

/** T2: the checks before a tier is raised. Failing checks are returned; what cannot be read is an error. */
export async function preflightTier(cluster: ClusterClient, { iam, rds, s3 }: PreflightClients, { target, tier, desiredNodes, needs = {} }: Parameters<Probes['preflightTier']>[0]): Promise<CheckResult[]> {
  if (tier === '1') return [...(await nodeChecks(cluster, desiredNodes)), await rolesCheck(iam, target), await scopeCheck(iam, target)];
  if (tier === '1.5') return [await storageCheck(cluster)];
  const foundation = { target, ...needs };
  return Promise.all([
    storesCheck(cluster),
    issuersCheck(cluster),
    readInstance({ rds }, foundation).then((value) => instanceCheck(foundation, { value })),
    ...(tier === '2' ? [readLokiBucket({ s3 }, foundation).then((value) => lokiBucketCheck(foundation, { value }))] : []),
  ]);
}

async function nodeChecks(cluster: ClusterClient, desiredNodes: number): Promise<CheckResult[]> {
  const version = await cluster.version();
  return [check('api', 'Kubernetes API', undefined, `answers, ${version}`, ''), nodesCheck(await cluster.list<V1Node>('v1', 'Node'), desiredNodes)];
}

/** What the Kubernetes API tells a pod of tiers 1 and 1.5, before and after (T2, T3): IAM is the worker's to ask. */
export async function clusterChecks(cluster: ClusterClient, operation: ProbeOperation, tier: Tier): Promise<CheckResult[]> {
  if (operation === 'preflight') return tier === '1' ? nodeChecks(cluster, 1) : [await storageCheck(cluster)];
  const applications = (await listApplications(cluster)).map(applicationState);
  return [applicationsCheck(applications, await lifecycleOf(cluster), tier), ingressCheck(await cluster.list<V1Ingress>('networking.k8s.io/v1', 'Ingress')), ...(await tierChecks(cluster, tier, applications))];
}

/** The platform's lifecycle as its bootstrap values say (A3). */
async function lifecycleOf(cluster: ClusterClient): Promise<Lifecycle> {
  const config = await cluster.read<V1ConfigMap>({ apiVersion: 'v1', kind: 'ConfigMap', name: BOOTSTRAP_CONFIG, namespace: ARGOCD_NAMESPACE });
  const lifecycle = LIFECYCLES.find((each) => each === config?.data?.['bootstrap.mode']);
  if (lifecycle === undefined) throw new GoldenpathError('PreflightFailed', `ConfigMap ${ARGOCD_NAMESPACE}/${BOOTSTRAP_CONFIG} does not say which lifecycle this platform has`);
  return lifecycle;
}

/** TLS: the issuers of certificates are Ready. */
async function issuersCheck(cluster: ClusterClient): Promise<CheckResult> {
  return readyCheck(cluster, { apiVersion: CERTIFICATES_API, kind: 'ClusterIssuer', id: 'issuers', title: 'ClusterIssuers', fix: "look at the issuer's status, the log of cert-manager and its IAM role" });
}

async function certificatesCheck(cluster: ClusterClient): Promise<CheckResult> {
  return readyCheck(cluster, { apiVersion: CERTIFICATES_API, kind: 'Certificate', id: 'certificates', title: 'Certificates', fix: 'look at the status of the Certificate and its CertificateRequests, and at the log of cert-manager' });
}

/** Every object of the kind that is the platform's own is Ready, and there is one. */
async function readyCheck(cluster: ClusterClient, { apiVersion, kind, id, title, fix }: { apiVersion: string; kind: string; id: string; title: string; fix: string }): Promise<CheckResult> {
  const objects = (await cluster.serves(apiVersion, kind)) ? (await cluster.list<Conditioned>(apiVersion, kind)).filter(isPlatformObject) : [];
  const unready = objects.flatMap((object) => unreadiness(object));
  const problem = objects.length === 0 ? `there is no ${kind} of the platform` : unready.length > 0 ? unready.join('; ') : undefined;
  return check(id, title, problem, `${objects.map((object) => nameOf(refOf(object))).join(', ')} Ready`, fix);
}

/** Every IRSA role exists, is the platform's, and has the policies that iam/ gives it. */
async function rolesCheck(iam: IAMClient, target: Target): Promise<CheckResult> {
  const definitions = irsaRolesOf(target.lifecycle).map((role) => role.define({ ...iamContext(target), oidcIssuer: 'https://any' }));
  const problems = (await Promise.all(definitions.map(async ({ roleName, policies, managedPolicyArns }) => {
    const role = await getRole(iam, roleName);
    if (role === undefined) return [`role ${roleName} does not exist`];
    if (!isOwnedBy(fromTagList(role.Tags), target.cluster)) return [`role ${roleName} is not tagged as ${target.cluster}'s`];
    const inline = await allPages(paginateListRolePolicies({ client: iam }, { RoleName: roleName }), (page) => page.PolicyNames);
    const attached = await allPages(paginateListAttachedRolePolicies({ client: iam }, { RoleName: roleName }), (page) => page.AttachedPolicies);
    const missing = [...Object.keys(policies).filter((name) => !inline.includes(name)), ...managedPolicyArns.filter((arn) => !attached.some(({ PolicyArn }) => PolicyArn === arn))];
    return missing.map((policy) => `role ${roleName} lacks policy ${policy}`);
  }))).flat();
  return check('irsa', 'IRSA roles', problems.length === 0 ? undefined : problems.join('; '), `${definitions.length} roles with their policies`, 'run the stage `cluster` again: it makes and mends the roles');
}

/** D1, C2: IAM itself says that ExternalDNS can write the platform's names and no other. */
async function scopeCheck(iam: IAMClient, target: Target): Promise<CheckResult> {
  const [needed, forbidden] = [neededChanges(target), forbiddenChanges(target)];
  const [granted, leaks] = [await allowedChanges(iam, target, needed), await allowedChanges(iam, target, forbidden)];
  const problems = [...needed.filter((change) => !granted.includes(change)).map(({ why }) => `may not change ${why}`), ...leaks.map(({ why }) => `may change ${why}`)];
  return check('dns-scope', "ExternalDNS's role", problems.length === 0 ? undefined : problems.join('; '), `may change names in ${target.hostSuffix}; IAM denies ${forbidden.length} changes outside`, 'compare the inline policy dns-scope of the role with iam/external-dns.ts');
}

/** Exactly one default StorageClass, and its provisioner's driver registered. */
async function storageCheck(cluster: ClusterClient): Promise<CheckResult> {
  const defaults = defaultStorageClasses(await cluster.list<V1StorageClass>('storage.k8s.io/v1', 'StorageClass'));
  const [first, ...others] = defaults;
  const driver = first === undefined ? undefined : await cluster.read({ apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', name: first.provisioner });
  let problem: string | undefined;
  if (first === undefined) problem = 'no StorageClass is the default';
  else if (others.length > 0) problem = `${defaults.length} StorageClasses are the default: ${defaults.map(({ metadata }) => metadata?.name ?? '').join(', ')}`;
  else if (driver === undefined) problem = `the driver ${first.provisioner} of StorageClass ${first.metadata?.name ?? ''} is not registered`;
  return check('storage', 'Default StorageClass', problem, `${first?.metadata?.name ?? ''} by ${first?.provisioner ?? ''}`, 'leave one StorageClass as the default, and look at the add-on aws-ebs-csi-driver');
}

/** T3 without DNS. NotReady while a point fails. `ingressAddress` is where the platform's names must point. */
export async function probeAcceptance(cluster: ClusterClient, waiting: Waiting & { tier: Tier }): Promise<{ checks: CheckResult[]; ingressAddress: string }> {
  const { target, tier } = waiting;
  const applications = (await listApplications(cluster)).map(applicationState);
  const ingresses = await cluster.list<V1Ingress>('networking.k8s.io/v1', 'Ingress');
  const checks = [applicationsCheck(applications, target.lifecycle, tier), ingressCheck(ingresses), ...(await tierChecks(cluster, tier, applications))];
  demandChecks(`tier ${tier}`, checks, waiting);
  return { checks, ingressAddress: platformAddress(ingresses, target) };
}

async function tierChecks(cluster: ClusterClient, tier: Tier, applications: readonly ApplicationState[]): Promise<CheckResult[]> {
  if (tier === '1') {
    // An environment may do without ExternalDNS (F3); the tier's wave has already seen exactly the plan's applications.
    const externalDns = applications.some(({ name }) => name === 'external-dns') ? [await deploymentCheck(cluster, deploymentRef, 'ExternalDNS')] : [];
    return [await storesCheck(cluster), await certificatesCheck(cluster), ...externalDns];
  }
  if (tier === '1.5') {
    const prometheus = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'prometheus', namespace: MONITORING };
    return [await deploymentCheck(cluster, prometheus, 'Prometheus'), await claimCheck(cluster), await deploymentCheck(cluster, { ...prometheus, name: 'grafana' }, 'Grafana'), await grafanaSecretCheck(cluster), ...(await backstageChecks(cluster, applications))];
  }
  // Tiers 2 and 3: what only a pod can ask is the Job's (acceptance-job.ts).
  return [...(await Promise.all(syncedSecrets(tier).map((secret) => syncedCheck(cluster, secret)))), await certificatesCheck(cluster)];
}

function applicationsCheck(applications: readonly ApplicationState[], lifecycle: Lifecycle, tier: Tier): CheckResult {
  // What an environment may do without is judged where it is there: the tier's wave has already seen exactly the plan's applications.
  const names = [ROOT_APPLICATION, ...componentsUpTo(tier, lifecycle, { ephemeralBackstage: true }).map(({ name }) => name)];
  const known = applications.filter(({ name }) => names.includes(name));
  const problems = known.filter(({ sync, health }) => sync !== 'Synced' || health !== 'Healthy').map(({ name, sync, health }) => `${name} is ${sync}, ${health}`);
  problems.push(...known.filter(({ sourceCompared }) => !sourceCompared).map(({ name }) => `${name} was not compared with the source it has now`));
  if (!known.some(({ name }) => name === ROOT_APPLICATION)) problems.push(`${ROOT_APPLICATION} does not exist`);
  return check('applications', 'Argo CD applications', problems.length === 0 ? undefined : problems.join('; '), `${known.length} Synced and Healthy`, 'look at the applications in namespace argocd');
}

/** Every Ingress of the platform's own has an address, and there is one. */
export function ingressCheck(all: readonly V1Ingress[]): CheckResult {
  const ingresses = all.filter(isPlatformObject);
  const waiting = ingresses.filter((ingress) => addressOf(ingress) === undefined).map((ingress) => nameOf(refOf(ingress)));
  const problem = ingresses.length === 0 ? 'there is no Ingress of the platform' : waiting.length > 0 ? `without an address: ${waiting.join(', ')}` : undefined;
  return check('ingress', 'Ingress addresses', problem, `${ingresses.length} Ingresses at ${[...new Set(ingresses.map((ingress) => addressOf(ingress) ?? ''))].join(', ')}`, "look at Service kong/kong-proxy, the load balancer controller's log and its IAM role");
}

function addressOf({ status }: V1Ingress): string | undefined {
  const [first] = status?.loadBalancer?.ingress ?? [];
  return first?.hostname ?? first?.ip;
}

/** The address of the Ingress of the platform's first host. */
export function platformAddress(ingresses: readonly V1Ingress[], { hostSuffix }: Pick<Target, 'hostSuffix'>): string {
  const hosts = platformHosts(hostSuffix);
  const platform = ingresses.filter(isPlatformObject).find(({ spec }) => (spec?.rules ?? []).some(({ host }) => host !== undefined && hosts.includes(host)));
  return (platform === undefined ? undefined : addressOf(platform)) ?? '';
}

async function deploymentCheck(cluster: ClusterClient, ref: typeof deploymentRef, title: string): Promise<CheckResult> {
  const deployment = await cluster.read<V1Deployment>(ref);
  return check(ref.name, title, workloadProblem(deployment), `${deployment?.status?.availableReplicas ?? 0} replicas available`, `look at the pods of ${nameOf(ref)}`);
}

async function storesCheck(cluster: ClusterClient): Promise<CheckResult> {
  return readyCheck(cluster, { apiVersion: SECRETS_API, kind: 'ClusterSecretStore', id: 'secret-store', title: 'ClusterSecretStore', fix: 'look at the log of External Secrets and its IAM role' });
}

async function claimCheck(cluster: ClusterClient): Promise<CheckResult> {
  const claim = await cluster.read<V1PersistentVolumeClaim>({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: 'prometheus', namespace: MONITORING });
  const phase = claim?.status?.phase ?? 'absent';
  return check('prometheus-volume', "Prometheus's volume", phase === 'Bound' ? undefined : `its claim is ${phase}`, `Bound to ${claim?.spec?.volumeName ?? ''}`, 'look at the claim monitoring/prometheus and the add-on aws-ebs-csi-driver');
}

/** The administrator's login has come from Secrets Manager. */
async function grafanaSecretCheck(cluster: ClusterClient): Promise<CheckResult> {
  return { ...(await syncedCheck(cluster, { name: GRAFANA_SECRET, namespace: MONITORING, keys: ['username', 'password'] })), id: 'grafana-secret', title: "Grafana's login" };
}

/** T4: of tier 1.5 only where the environment enables it; a persistent platform's is of tier 2, and no matter of this tier when its bootstrap runs again. */
async function backstageChecks(cluster: ClusterClient, applications: readonly ApplicationState[]): Promise<CheckResult[]> {
  if (!applications.some(({ name, tier }) => name === BACKSTAGE.name && tier === '1.5')) return [];
  return [await deploymentCheck(cluster, { apiVersion: 'apps/v1', kind: 'Deployment', ...BACKSTAGE }, 'Backstage'), await syncedCheck(cluster, BACKSTAGE_SECRET)];
}

/** A secret has come from Secrets Manager, with these keys. Only that they hold something is looked at, never what. */
async function syncedCheck(cluster: ClusterClient, { name, namespace, keys }: Pick<SyncedSecret, 'name' | 'namespace' | 'keys'>): Promise<CheckResult> {
  const ref = { name, namespace };
  const external = (await cluster.serves(SECRETS_API, 'ExternalSecret')) ? await cluster.read<Conditioned>({ apiVersion: SECRETS_API, kind: 'ExternalSecret', ...ref }) : undefined;
  const secret = await cluster.read<V1Secret>({ apiVersion: 'v1', kind: 'Secret', ...ref });
  const present = Object.entries(secret?.data ?? {}).filter(([, value]) => value !== '').map(([key]) => key);
  const problems = external === undefined ? [`ExternalSecret ${namespace}/${name} does not exist`] : unsynced(Object.assign(external, { kind: 'ExternalSecret' }));
  if (secret === undefined) problems.push(`Secret ${namespace}/${name} does not exist`);
  else problems.push(...keys.filter((key) => !present.includes(key)).map((key) => `Secret ${namespace}/${name} has nothing for key ${key}`));
  return check(`synced:${namespace}/${name}`, `Secret ${namespace}/${name}`, problems.length === 0 ? undefined : problems.join('; '), `synced, with ${present.join(', ')}`, 'look at the ExternalSecret and at the secret in Secrets Manager');
}

/** An ExternalSecret's Ready says of which generation in its own way. Source: External Secrets 2.10 `ctrlutil.GetResourceVersion`. */
function unsynced(external: Conditioned): string[] {
  const { metadata, status } = external;
  const unready = unreadiness(external);
  const isOld = status?.syncedResourceVersion?.startsWith(`${metadata?.generation ?? 0}-`) !== true;
  return unready.length === 0 && isOld ? [`${nameOf(refOf(external))} was changed since it was synced`] : unready;
}

/** A condition that names a generation speaks of that one alone (cert-manager's do; a store's names none). */
function unreadiness(object: Conditioned): string[] {
  const ready = (object.status?.conditions ?? []).find(({ type }) => type === 'Ready');
  const name = nameOf(refOf(object));
  if (ready?.status !== 'True') return [`${name} is not Ready${ready?.message === undefined ? '' : `: ${ready.message}`}`];
  return (ready.observedGeneration ?? Infinity) < (object.metadata?.generation ?? 0) ? [`${name} was changed since it became Ready`] : [];
}
