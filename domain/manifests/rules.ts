// The rules that manifests are held to, as `goldenpath check` applies them to one object; admission.ts makes the same rules into policies (D1, D2, A1, A4, G1).
import { openPlaces, podNames } from './derived-names.ts';
import { deviations, isExternalDns } from './external-dns-container.ts';
import { allowedNames, annotationText, nameProblem, namesIn, SEPARATOR } from './host-names.ts';
import { APPLICATION_PLACE, APPLICATION_SET_PLACE, CERTIFICATE_REQUEST_PLACE, CONTAINER_LISTS, CONTROL_PLANE_NAMESPACES, fieldOf, type Found, isOfPlace, NAME_ANNOTATIONS, NAME_PLACES, POD_PLACES, SECRET_PLACE, TIER_LABEL, UNPINNED_NAMESPACES, valuesAt, VOLUMES } from './places.ts';
import type { ManifestScope } from './scope.ts';
import { allowedKeys, keyProblem, TRUSTED_NAMESPACES } from './secret-keys.ts';
import { type Tier, TIERS } from '../tiers.ts';

/** Every rule: its requirement, what it demands, and what to do where it is broken. The ids are those of findings, of SARIF and in the messages of admission. */
export const RULES = {
  'kubernetes-document': { requirement: 'A1', demand: 'every document is a Kubernetes object with apiVersion, kind and metadata.name', fix: 'give it these fields, or move it out of the folder of manifests' },
  'no-metadata-file': { requirement: 'A1', demand: 'no file is called metadata.yaml', fix: 'rename it, or move it out of the folder: Argo CD would apply it as a manifest' },
  'host-name': { requirement: 'D1', demand: 'every host name lies in the DNS subtree of the platform, and is not reserved to the platform itself', fix: 'derive the name from the host suffix (global.hostSuffix in charts)' },
  'application-tier': { requirement: 'A4', demand: 'every Application carries its tier, and none above the ceiling of the lifecycle', fix: `set the label ${TIER_LABEL} to the tier that the application belongs to, in quotes; what lies above the ceiling does not belong on this platform` },
  'image-digest': { requirement: 'G1', demand: 'every image is pinned by a digest of the version manifest', fix: 'pin it as repository@sha256:…, and add the image to environments/versions.yaml' },
  'external-dns-arguments': { requirement: 'D2', demand: 'ExternalDNS runs with the arguments of the contract and no others that decide about records', fix: 'take the arguments from gitops/apps/external-dns' },
  'secret-key': { requirement: 'G1', demand: "every secret that External Secrets brings is of the object's own namespace", fix: 'name the key in full, goldenpath/<environment>/<namespace>/…, and give the object that metadata.namespace' },
} as const;

export type RuleId = keyof typeof RULES;

/** A rule that an object breaks, and the way to the field that does. */
export interface Breach {
  rule: RuleId;
  path: (string | number)[];
  /** What was given; the empty text where something is missing. */
  given: string;
  problem: string;
  allowed: string;
  fix: string;
}

/** Everything that is wrong with one parsed document; a document without content, null, is none. */
export function breaches(document: unknown, scope: ManifestScope): Breach[] {
  if (document === null || document === undefined) return [];
  const items = itemsOf(document);
  if (items !== undefined) return items.flatMap((item, index) => breaches(item, scope).map((found) => ({ ...found, path: ['items', index, ...found.path] })));
  const invalid = [...documentBreaches(document), ...itemBreaches(document)];
  return invalid.length > 0 ? invalid : [...nameBreaches(document, scope), ...requestBreaches(document), ...tierBreaches(document, scope), ...podBreaches(document, scope), ...keyBreaches(document, scope)];
}

/** A breach of a rule, with the rule's own words for what to do. */
export function breach(rule: RuleId, path: (string | number)[], given: string, problem: string, allowed: string): Breach {
  return { rule, path, given, problem, allowed, fix: RULES[rule].fix };
}

/** The objects of a list as kubectl and Argo CD take it apart, or undefined where the document is no list. */
export function itemsOf(document: unknown): unknown[] | undefined {
  const [kind, items] = [fieldOf(document, 'kind'), fieldOf(document, 'items')];
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items) ? items : undefined;
}

/** kubectl and Argo CD apply the items of whatever has such a field; the API server would look at the object itself. */
function itemBreaches(document: unknown): Breach[] {
  return Array.isArray(fieldOf(document, 'items')) ? [breach('kubernetes-document', ['items'], '', 'has items, which kubectl and Argo CD apply in its place, and is of no kind that ends in List', 'kind: List where a list is meant')] : [];
}

function documentBreaches(document: unknown): Breach[] {
  const allowed = 'a mapping with apiVersion, kind and metadata.name';
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return [breach('kubernetes-document', [], '', 'is no Kubernetes object', allowed)];
  const generated = isText(valuesAt(document, 'metadata.generateName')[0]?.value);
  const missing = ['apiVersion', 'kind', ...(generated ? [] : ['metadata.name'])].filter((path) => !isText(valuesAt(document, path)[0]?.value));
  return missing.length === 0 ? [] : [breach('kubernetes-document', (missing[0] ?? '').split('.'), '', `has no ${missing.join(', no ')}`, allowed)];
}

function nameBreaches(object: unknown, scope: ManifestScope): Breach[] {
  if (isIn(object, CONTROL_PLANE_NAMESPACES)) return [];
  const places = NAME_PLACES.filter((place) => isOfPlace(object, place));
  const annotations = places.length === 0 ? [] : NAME_ANNOTATIONS.flatMap((key) => annotation(object, key));
  const open = places.flatMap((place) => openPlaces(object, place)).map(({ path }) => ({ ...breach('host-name', path, '', "has no host, and so takes traffic of every other at the platform's proxy", allowedNames(scope)), fix: 'give each rule a host, and no default backend' }));
  const annotated = annotations.flatMap(({ value, path }) => (typeof value === 'string' ? namesIn(value).map(({ given }) => ({ name: given, path })) : []));
  const named = [...places.flatMap(({ paths }) => paths.flatMap((path) => valuesAt(object, path))), ...annotations, ...places.flatMap((place) => podNames(object, place, annotated))];
  return [...open, ...named.flatMap(({ value, path }) => {
    const wrong = (given: string, problem: string) => breach('host-name', path, given, problem, allowedNames(scope));
    if (typeof value !== 'string') return [wrong(givenText(value), 'is no text')];
    return namesIn(value).flatMap(({ given, name }) => {
      const problem = nameProblem(name, scope, namespaceOf(object));
      return problem === undefined ? [] : [wrong(given, problem)];
    });
  })];
}

/** Only cert-manager's own service account may make these, and no manifest is applied by that. */
function requestBreaches(object: unknown): Breach[] {
  if (isIn(object, TRUSTED_NAMESPACES) || !isOfPlace(object, CERTIFICATE_REQUEST_PLACE)) return [];
  return [breach('host-name', ['kind'], givenText(fieldOf(object, 'kind')), 'asks for a certificate whose names no rule reads', 'a Certificate, of which cert-manager makes it')];
}

/** An annotation as ExternalDNS reads it. */
function annotation(object: unknown, key: string): Found[] {
  const value = fieldOf(fieldOf(fieldOf(object, 'metadata'), 'annotations'), key);
  return value === undefined || value === null ? [] : [{ value: typeof value === 'string' ? annotationText(value) : value, path: ['metadata', 'annotations', key] }];
}

function tierBreaches(object: unknown, { tiers, maxTier }: ManifestScope): Breach[] {
  if (isIn(object, CONTROL_PLANE_NAMESPACES)) return [];
  // Admission judges the Applications that an ApplicationSet makes; here its template is all there is.
  const at = isOfPlace(object, APPLICATION_PLACE) ? [] : isOfPlace(object, APPLICATION_SET_PLACE) ? ['spec', 'template'] : undefined;
  if (at === undefined) return [];
  const path = [...at, 'metadata', 'labels', TIER_LABEL];
  const tier = path.reduce<unknown>(fieldOf, object);
  if ((tiers as readonly unknown[]).includes(tier)) return [];
  return [breach('application-tier', path, givenText(tier), tierProblem(tier, maxTier), tiers.map((each) => `"${each}"`).join(', '))];
}

function tierProblem(tier: unknown, maxTier: Tier): string {
  if (tier === undefined) return `carries no label ${TIER_LABEL}`;
  if (typeof tier !== 'string') return 'is no text: a tier stands in quotes';
  return (TIERS as readonly string[]).includes(tier) ? `is a tier above ${maxTier}, the ceiling of the lifecycle` : 'is no tier';
}

function givenText(value: unknown): string {
  return value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
}

function podBreaches(object: unknown, scope: ManifestScope): Breach[] {
  if (isIn(object, UNPINNED_NAMESPACES)) return [];
  const places = POD_PLACES.filter((place) => isOfPlace(object, place));
  const containers = places.flatMap(({ podSpec }) => CONTAINER_LISTS.flatMap((list) => valuesAt(object, `${podSpec}.${list}[]`)));
  const volumes = places.flatMap(({ podSpec }) => valuesAt(object, `${podSpec}.${VOLUMES}[]`)).flatMap(({ value, path }) => imageBreaches(fieldOf(value, 'image'), 'reference', [...path, 'image'], scope));
  return [...volumes, ...containers.flatMap(({ value: container, path }) => [
    ...imageBreaches(container, 'image', path, scope),
    ...(isExternalDns(container, scope.externalDns)
      ? deviations(container, scope.externalDns).map((found) => breach('external-dns-arguments', [...path, ...found.path], found.given, `ExternalDNS ${found.problem}`, found.allowed))
      : []),
  ])];
}

function keyBreaches(object: unknown, scope: ManifestScope): Breach[] {
  if (isIn(object, TRUSTED_NAMESPACES) || !isOfPlace(object, SECRET_PLACE)) return [];
  return SECRET_PLACE.fields.flatMap(({ path: where, holds }) => valuesAt(object, where).flatMap(({ value, path }) => {
    const problem = keyProblem(value, holds, scope, namespaceOf(object));
    return problem === undefined ? [] : [breach('secret-key', path, givenText(value), problem, allowedKeys(scope))];
  }));
}

/** Of a container, or of a volume that is an image. */
function imageBreaches(holder: unknown, field: 'image' | 'reference', path: (string | number)[], { digests }: ManifestScope): Breach[] {
  const image = fieldOf(holder, field);
  if (image === undefined || image === null) return []; // the API server refuses it by itself
  const wrong = (given: string, problem: string) => [breach('image-digest', [...path, field], given, problem, 'repository@sha256:… with a digest of environments/versions.yaml')];
  if (typeof image !== 'string') return wrong(givenText(image), 'is no text');
  return image.split(SEPARATOR).filter((each) => each !== '' && !isPinned(each, digests)).flatMap((each) => wrong(each, each.includes('@') ? 'has a digest that the version manifest does not hold' : 'is not pinned by a digest'));
}

/** Whether an image is named by one of the digests. Its repository may be a mirror's: the digest says what it is. */
function isPinned(image: string, digests: readonly string[]): boolean {
  return !image.startsWith('@') && digests.some((digest) => image.endsWith(`@${digest}`));
}

function isIn(object: unknown, namespaces: readonly string[]): boolean {
  const namespace = namespaceOf(object);
  return namespace !== undefined && namespaces.includes(namespace);
}

function namespaceOf(object: unknown): string | undefined {
  const namespace = fieldOf(fieldOf(object, 'metadata'), 'namespace');
  return typeof namespace === 'string' ? namespace : undefined;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
