// The version manifest against a running platform, item by item: what is pinned, what was found, what to do (C1, G1, A2).
import { applicationsUpTo, type Plan } from './plan.ts';
import { MAX_TIER_PARAMETER } from './applications.ts';
import { ARGOCD_NAMESPACE, ROOT_APPLICATION } from './components.ts';
import type { CheckResult } from './foundation.ts';
import { parseImage } from './images.ts';
import { isMapping } from './json.ts';
import { applicationPath, ROOT_PATH, rootValues } from './root-application.ts';
import { TIERS } from './tiers.ts';
import { MANIFESTS, type Versions } from './versions.ts';

const MANIFEST = 'environments/versions.yaml';
type ManifestName = (typeof MANIFESTS)[number];

/** What EKS says of a cluster. */
export interface EksVersions {
  kubernetes: string;
  vpcId: string;
  addons: { name: string; version: string }[];
  nodeGroups: { name: string; version: string; releaseVersion: string }[];
}

/** A field that is not as a pinned manifest has it; `undefined` where there is none. */
export interface Difference {
  path: string;
  pinned: unknown;
  found: unknown;
}

/** A pinned manifest beside what the API server has of it. */
export interface ManifestReading {
  /** How many objects were compared. */
  objects: number;
  /** Those that are not as pinned; `null`: the object does not exist. */
  drifted: { object: string; differences: Difference[] | null }[];
  /** The images that its own workloads name. */
  images: string[];
}

/** An image in use, and by whom: `Deployment kong/kong`. */
export interface ImageUse {
  namespace: string;
  workload: string;
  image: string;
}

export interface ApplicationSourceReading {
  name: string;
  repoUrl: string;
  revision: string;
  /** The commit that Argo CD compared last; empty where it could not. */
  commit: string;
  sync: string;
  /** Where in the repository. */
  path: string;
  /** Helm parameters of its source, by name; these win over every value. */
  parameters: Record<string, string>;
  /** What its spec has that this product never sets: `source.helm.fileParameters`, `sources`, `sourceHydrator`. */
  otherSettings: string[];
  /** Helm values, of the root application alone: those of the others are its own to make. */
  values?: unknown;
}

/** What the API server shows of versions beside the pinned manifests. */
export interface RunningVersions {
  kubelets: { node: string; version: string }[];
  images: ImageUse[];
  applications: ApplicationSourceReading[];
  /** The ARNs of the platform's roles, by the keys of iam/: as they must be, whatever runs. */
  roleArns: Record<string, string>;
}

export interface VersionReadings {
  eks: EksVersions;
  manifests: Record<ManifestName, ManifestReading>;
  running: RunningVersions;
  /** Of what the manifest names a key for. */
  signatures: CheckResult[];
}

/** One comparison. `fix` is empty where `ok`. */
export interface VersionItem {
  id: string;
  where: string;
  expected: string;
  found: string;
  ok: boolean;
  fix: string;
}

export interface VersionsReport {
  schema: 1;
  state: 'as-pinned' | 'drift';
  environment: string;
  cluster: string;
  items: VersionItem[];
}

/** Every item of the manifest and everything that runs beside it. The readings are complete: what could not be read is an error before this. */
export function versionsReport(plan: Plan, { eks, manifests, running, signatures }: VersionReadings): VersionsReport {
  const { environment, cluster } = plan.target;
  const items = [
    ...eksItems(plan, eks),
    ...running.kubelets.map(({ node, version }) => kubeletItem(plan.versions.kubernetes, node, version)),
    ...manifestItems(plan.versions, manifests),
    ...applicationItems(plan, running, eks),
    ...imageItems(plan.versions.images, manifests.argocd.images, running.images),
    ...signatures.map(({ id, title, ok, found, fix }) => item(id, title, 'signed with the key of the manifest', found, fix, ok)),
  ];
  return { schema: 1, state: items.every(({ ok }) => ok) ? 'as-pinned' : 'drift', environment, cluster, items };
}

/** Names of the add-ons' own workloads: EKS chooses their images by the add-on's version, from its own registries. Source: EKS User Guide, the page of each add-on. */
const ADDON_WORKLOADS: readonly string[] = ['DaemonSet kube-system/aws-node', 'DaemonSet kube-system/kube-proxy', 'Deployment kube-system/coredns', 'Deployment kube-system/ebs-csi-controller', 'DaemonSet kube-system/ebs-csi-node', 'DaemonSet kube-system/ebs-csi-node-windows'];

function item(id: string, where: string, expected: string, found: string, fix: string, ok = expected === found): VersionItem {
  return { id, where, expected, found, ok, fix: ok ? '' : fix };
}

function eksItems({ versions, target: { cluster } }: Plan, { kubernetes, addons, nodeGroups }: EksVersions): VersionItem[] {
  const pinned = Object.entries<string>(versions.addons);
  const where = `EKS cluster ${cluster}`;
  return [
    item('kubernetes', where, versions.kubernetes, kubernetes, `aws eks update-cluster-version --name ${cluster} --kubernetes-version ${versions.kubernetes}, or correct kubernetes in ${MANIFEST}: EKS never goes back a version`),
    ...nodeGroups.map(({ name, version, releaseVersion }) => item(`node-group:${name}`, `node group ${name} (release ${releaseVersion})`, versions.kubernetes, version, `aws eks update-nodegroup-version --cluster-name ${cluster} --nodegroup-name ${name} --kubernetes-version ${versions.kubernetes}`)),
    ...pinned.map(([name, version]) => item(`addon:${name}`, where, version, addons.find((addon) => addon.name === name)?.version ?? 'not installed', `aws eks update-addon --cluster-name ${cluster} --addon-name ${name} --addon-version ${version}, or pin the other version in ${MANIFEST}`)),
    ...addons.filter(({ name }) => !pinned.some(([known]) => known === name)).map(({ name, version }) => item(`addon:${name}`, where, 'not installed', version, `aws eks delete-addon --cluster-name ${cluster} --addon-name ${name}: ${MANIFEST} does not know it`)),
  ];
}

/** `v1.36.2-eks-1234567` is of minor 1.36. */
function kubeletItem(kubernetes: string, node: string, version: string): VersionItem {
  const found = /^v?(\d+\.\d+)/.exec(version)?.[1] ?? version;
  return item(`kubelet:${node}`, `Node ${node}`, kubernetes, version, `replace the node: its node group is brought to ${kubernetes} by aws eks update-nodegroup-version`, found === kubernetes);
}

function manifestItems(versions: Versions, readings: Record<ManifestName, ManifestReading>): VersionItem[] {
  return MANIFESTS.flatMap((name) => {
    const { version, files } = versions.manifests[name];
    const { objects, drifted } = readings[name];
    const source = files.map(({ sha256 }) => `sha256:${sha256.slice(0, 12)}`).join(', ');
    const whole = item(`manifest:${name}`, `${objects} objects of ${name} ${version} (${source})`, `${objects} as pinned`, `${objects - drifted.length} as pinned`, 'see the objects named below it');
    return [whole, ...drifted.map((each) => objectItem(name, version, each))];
  });
}

function objectItem(name: string, version: string, { object, differences }: ManifestReading['drifted'][number]): VersionItem {
  const id = `manifest:${name}:${object}`;
  if (differences === null) return item(id, object, `as in ${name} ${version}`, 'does not exist', `apply it again from ${name} ${version}, and find who removed it in the API server's audit log`, false);
  const [kind = '', address = ''] = object.split(' ');
  const [namespace, own] = address.includes('/') ? address.split('/') : ['', address];
  const command = `kubectl ${namespace === '' ? '' : `-n ${namespace} `}get ${kind.toLowerCase()} ${own} -o yaml --show-managed-fields`;
  return item(id, object, shownSide(differences, 'pinned'), shownSide(differences, 'found'), `put the field back, and see who changed it: ${command}`, false);
}

/** At most this many fields of an object are told, and this much of a value. */
const SHOWN_FIELDS = 3;
const SHOWN_CHARACTERS = 90;

function shownSide(differences: readonly Difference[], side: 'pinned' | 'found'): string {
  const shown = differences.slice(0, SHOWN_FIELDS).map((difference) => `${difference.path} = ${shownValue(difference[side])}`);
  return [...shown, ...(differences.length > SHOWN_FIELDS ? [`${differences.length - SHOWN_FIELDS} more`] : [])].join('; ');
}

function shownValue(value: unknown): string {
  if (value === undefined) return '(none)';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

/**
 * The accounts of the registries from which EKS installs its add-ons, over all regions. An account of a region that is newer than this list reads as drift.
 * Source: EKS User Guide, "View Amazon container image registries for Amazon EKS add-ons".
 */
const EKS_REGISTRIES: readonly string[] = [
  '602401143452', '013241004608', '066635153087', '121268973566', '151610086707', '151742754352', '296578399912', '333609536671', '455263428931', '491585149902', '533267051163',
  '558608220178', '590381155156', '730335286997', '759879836304', '761377655185', '800184023465', '877085696533', '900612956339', '900889452093', '918309763551', '961992271922',
];

/** Whether EKS chose the image: an add-on's workload, from a registry of EKS. Somebody else's image in it is judged like everybody's. */
function isOfAddon({ workload, image }: ImageUse): boolean {
  const [, account] = /^(\d{12})\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?\//.exec(image) ?? [];
  return ADDON_WORKLOADS.includes(workload) && account !== undefined && EKS_REGISTRIES.includes(account);
}

/** Each application of the plan up to the gate that is raised: it exists, and comes from its source, at one commit for all, with the values of the manifest. Others' applications are their owners'. */
function applicationItems(plan: Plan, { applications, roleArns }: RunningVersions, { vpcId }: EksVersions): VersionItem[] {
  const root = applications.find(({ name }) => name === ROOT_APPLICATION);
  const gate = TIERS.find((tier) => tier === root?.parameters[MAX_TIER_PARAMETER]) ?? plan.maxTier;
  const expected = [ROOT_APPLICATION, ...applicationsUpTo(plan, gate).map(({ name }) => name)];
  const own = new Set([...expected, ...applicationsUpTo(plan, plan.maxTier).map(({ name }) => name)]);
  const absent = expected.filter((name) => !applications.some((application) => application.name === name)).map((name) => item(`application:${name}`, `Application argocd/${name}`, 'exists', 'does not exist', `see why the root application does not make it: kubectl -n argocd get application ${ROOT_APPLICATION} -o yaml, status.conditions`, false));
  const { repoUrl, revision } = plan.gitops;
  // A revision that is a commit says which; of a branch, the root application's commit is the platform's.
  const commit = /^[0-9a-f]{40}$/.test(revision) ? revision : (root?.commit ?? '');
  const wanted = sourceText({ repoUrl, revision, commit, sync: 'Synced' });
  const sources = applications.filter(({ name }) => own.has(name)).map((application) => {
    const fix = application.sync === 'Synced' ? `set the source back, or let Argo CD compare again: kubectl -n argocd annotate application ${application.name} argocd.argoproj.io/refresh=normal` : `see what differs: kubectl -n argocd get application ${application.name} -o yaml, status.resources and status.conditions`;
    return item(`application:${application.name}`, `Application argocd/${application.name}`, wanted, sourceText(application), fix, application.commit !== '' && wanted === sourceText(application));
  });
  return [...absent, ...sources, ...applications.filter(({ name }) => own.has(name)).flatMap((application) => [...settingItems(application), ...(application.name === ROOT_APPLICATION ? valueItems(plan, application, { roleArns, vpcId }) : [])])];
}

function sourceText({ repoUrl, revision, commit, sync }: Pick<ApplicationSourceReading, 'repoUrl' | 'revision' | 'commit' | 'sync'>): string {
  return `${repoUrl} ${revision}${commit === revision ? '' : ` at ${commit.slice(0, 12) || 'no commit'}`}, ${sync}`;
}

/** What nobody of this product sets in an application's source. Nothing where all is as it should be: the source's item stands for it. */
function settingItems({ name, path, parameters, otherSettings }: ApplicationSourceReading): VersionItem[] {
  const where = `Application argocd/${name}`;
  const isRoot = name === ROOT_APPLICATION;
  const fix = `take it out again, and see who set it in spec.source: kubectl -n argocd get application ${name} -o yaml --show-managed-fields`;
  const ours = isRoot ? [MAX_TIER_PARAMETER] : [];
  const strange = Object.entries(parameters).filter(([key]) => !ours.includes(key)).map(([key, value]) => `${key}=${shownValue(value)}`);
  const expected = isRoot ? ROOT_PATH : applicationPath(name);
  const found = [...(path === expected ? [] : [path || 'no path']), ...otherSettings];
  return [
    ...(found.length === 0 ? [] : [item(`application:${name}:settings`, where, expected, found.join(', '), fix, false)]),
    ...(strange.length === 0 ? [] : [item(`application:${name}:parameters`, where, ours.join(', ') || 'no Helm parameter', strange.join(', '), fix, false)]),
  ];
}

/** The root application's values against those that a bootstrap of the plan would give it. `platform` is what the foundation offered when it was told so, and is left out. */
function valueItems(plan: Plan, { name, values }: ApplicationSourceReading, known: { roleArns: Record<string, string>; vpcId: string }): VersionItem[] {
  const { target, gitops, versions: { images }, externalDns, objectStorage, tls, backstage } = plan;
  const found = isMapping(values) ? values : {};
  const wanted = rootValues({ target, gitops, images, externalDns, objectStorage, tls, backstage, ...known, storageClassReady: true, offers: { rdsAvailable: true, s3Available: true } });
  const differences = differencesOf({ ...wanted, platform: undefined }, { ...found, platform: undefined });
  return differences.length === 0 ? [] : [item(`application:${name}:values`, `Application argocd/${name}`, shownSide(differences, 'pinned'), shownSide(differences, 'found'), valuesFix(plan), false)];
}

/** A build id serves once, so a build's values are put back by hand. */
function valuesFix({ target: { lifecycle } }: Plan): string {
  const who = `see who changed them: kubectl -n argocd get application ${ROOT_APPLICATION} -o yaml --show-managed-fields`;
  return lifecycle === 'persistent' ? `run the bootstrap again, which puts them back; ${who}` : `put them back: kubectl -n argocd edit application ${ROOT_APPLICATION}, spec.source.helm.valuesObject; ${who}`;
}

/** One item for each image of a namespace, whoever uses it there. */
function imageItems(pinned: Versions['images'], ofArgoCd: readonly string[], uses: readonly ImageUse[]): VersionItem[] {
  const judged = uses.filter((use) => !isOfAddon(use));
  const groups = Map.groupBy(judged, ({ namespace, image }) => `${namespace} ${image}`);
  return [...groups.values()].flatMap((users) => {
    const [first] = users;
    return first === undefined ? [] : [imageItem(first, holders(users), pinned, ofArgoCd)];
  });
}

/** At most this many users of an image are named. */
const SHOWN_USERS = 3;

function holders(uses: readonly ImageUse[]): string {
  const names = [...new Set(uses.map(({ workload }) => workload))];
  return [...names.slice(0, SHOWN_USERS), ...(names.length > SHOWN_USERS ? [`${names.length - SHOWN_USERS} more`] : [])].join(', ');
}

/** In Argo CD's namespace its pinned manifest says which images run, by tag; everywhere else the version manifest, by digest. */
function imageItem({ namespace, image }: ImageUse, where: string, pinned: Versions['images'], ofArgoCd: readonly string[]): VersionItem {
  const { repository, digest } = parseImage(image);
  const id = `image:${namespace}/${repository}`;
  const candidates = Object.values(pinned).filter((entry) => parseImage(entry.repository).repository === repository);
  const ok = candidates.some((entry) => entry.digest === digest) || (namespace === ARGOCD_NAMESPACE && ofArgoCd.includes(image));
  const ofManifest = namespace === ARGOCD_NAMESPACE ? ofArgoCd.filter((other) => parseImage(other).repository === repository) : [];
  const expected = [...candidates.map((entry) => `${entry.repository}@${entry.digest}`), ...ofManifest];
  const fix = expected.length === 0 ? `pin it under images in ${MANIFEST}, or remove what runs it` : `let its owner run what is pinned, or pin the other one in ${MANIFEST}`;
  return item(id, where, ok ? image : expected.join(' or ') || `an image of ${MANIFEST}`, image, fix, ok);
}

/** Where two plain values differ: `spec.template.spec.containers[0].image`. What is in both and equal is left out. */
export function differencesOf(pinned: unknown, found: unknown, path = ''): Difference[] {
  if (Object.is(pinned, found)) return [];
  if (Array.isArray(pinned) && Array.isArray(found)) {
    const length = Math.max(pinned.length, found.length);
    return Array.from({ length }, (_, index) => differencesOf(pinned[index], found[index], `${path}[${index}]`)).flat();
  }
  if (isMapping(pinned) && isMapping(found)) {
    const keys = [...new Set([...Object.keys(pinned), ...Object.keys(found)])].toSorted();
    return keys.flatMap((key) => differencesOf(pinned[key], found[key], path === '' ? key : `${path}.${key}`));
  }
  return [{ path, pinned, found }];
}
