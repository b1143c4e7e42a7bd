// The rules as ValidatingAdmissionPolicies: the API server itself refuses, with no webhook that could be gone (G1, D1, failure 4).
import { derivedText } from './derived-names.ts';
import { EXTERNAL_DNS_IMAGE_PATTERN, FLAG_VARIABLE_PREFIX, FREE_ARGUMENT_PATTERN } from './external-dns-container.ts';
import { PART_OF, PLATFORM_NAMESPACES } from '../components.ts';
import { SECRET_HOLDERS } from '../platform-secrets.ts';
import { allowedNames, foreignPattern, NAME_PATTERN, NEVER_PATTERN, reservedNames, SEPARATOR, WILDCARD } from './host-names.ts';
import { APPLICATION_PLACE, CERTIFICATE_REQUEST_PLACE, CERTIFICATE_REQUESTER, CONTAINER_LISTS, CONTROL_PLANE_NAMESPACES, CORE, NAME_ANNOTATIONS, NAME_PLACES, type NamePlace, type Place, POD_PLACES, type PodPlace, SECRET_PLACE, type SecretPlace, TIER_LABEL, UNPINNED_NAMESPACES, VOLUMES } from './places.ts';
import { RULES, type RuleId } from './rules.ts';
import type { ManifestScope } from './scope.ts';
import { allowedKeys, KEY_MARK, keysBegin, TRUSTED_NAMESPACES } from './secret-keys.ts';

const API = 'admissionregistration.k8s.io/v1';
/** Groups of Kubernetes itself: named by version, so that the API server checks the types of the expressions; `Equivalent` matches every other version. */
const BUILT_IN = new Set([CORE, 'apps', 'batch', 'networking.k8s.io']);
const LABELS = { [PART_OF.label]: PART_OF.platform };

/** What a policy looks at, and the rules it holds that to. Everything is CEL; `constants` are variables that the rules share. */
interface Guard {
  place: Place;
  exempt: readonly string[];
  /** A list of what the rules judge, in an object of this name. */
  subject: (object: string) => string;
  constants: Record<string, string>;
  rules: Judgement[];
}

/** One rule. `offending`: the list of what breaks it, from a list of subjects; `variable` is what that list is called. `shown`: an item of it as text; left out where it is text. */
interface Judgement {
  rule: RuleId;
  variable: string;
  offending: (subject: string) => string;
  shown?: (item: string) => string;
  allowed: string;
}

const AS_CONTRACTED = [
  `variables.contract.all(arg, arg in ${ofContainer('args')})`,
  `${ofContainer('args')}.all(arg, arg in variables.contract || arg.matches(${text(FREE_ARGUMENT_PATTERN)}))`,
  `${ofContainer('command')}.size() == 0`,
  `${ofContainer('env')}.all(variable, !variable.name.startsWith(${text(FLAG_VARIABLE_PREFIX)}))`,
  `${ofContainer('envFrom')}.size() == 0`,
].join(' && ');
/** Everything of a container that the verdict looks at, so that only an unchanged one counts as the one that was there before. */
const EXTERNAL_DNS_SHOWN = [`${ofContainer('command')}.join(" ")`, `${ofContainer('args')}.join(" ")`, `${ofContainer('env')}.map(variable, variable.name + "=" + variable.?value.orValue("")).join(" ")`, `(${ofContainer('envFrom')}.size() == 0 ? "" : "envFrom")`].join(' + " " + ');

export interface AdmissionPolicy {
  apiVersion: typeof API;
  kind: 'ValidatingAdmissionPolicy';
  metadata: { name: string; labels: Record<string, string> };
  spec: {
    failurePolicy: 'Fail';
    matchConstraints: {
      matchPolicy: 'Equivalent';
      namespaceSelector: { matchExpressions: { key: string; operator: 'NotIn'; values: string[] }[] };
      resourceRules: { apiGroups: string[]; apiVersions: string[]; operations: ('CREATE' | 'UPDATE')[]; resources: string[] }[];
    };
    variables: { name: string; expression: string }[];
    validations: { expression: string; messageExpression: string; message: string; reason: 'Invalid' }[];
  };
}

export interface AdmissionBinding {
  apiVersion: typeof API;
  kind: 'ValidatingAdmissionPolicyBinding';
  metadata: AdmissionPolicy['metadata'];
  spec: { policyName: string; validationActions: ('Deny' | 'Audit')[] };
}

/**
 * The policies of a platform, each with its binding. Scope is written into the expressions, so that no parameter can be
 * missing. They refuse what is new: what an object held before the update may stay, so that a controller can still write
 * its status, take its finalizer off, or mend half of it.
 */
export function admissionPolicies(scope: ManifestScope): { policy: AdmissionPolicy; binding: AdmissionBinding }[] {
  return [...NAME_PLACES.map((place) => nameGuard(place, scope)), requestGuard(), tierGuard(scope), secretGuard(SECRET_PLACE, scope), ...POD_PLACES.map((place) => podGuard(place, scope))].map(policyOf).map((policy) => ({ policy, binding: bindingOf(policy) }));
}

export function policyName({ policy }: Pick<Place, 'policy'>): string {
  return `goldenpath-${policy}`;
}

function policyOf({ place, exempt, subject, constants, rules }: Guard): AdmissionPolicy {
  return {
    apiVersion: API,
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: policyName(place), labels: LABELS },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        matchPolicy: 'Equivalent',
        // The API server writes this label itself: nobody can put it on another namespace.
        namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: [...exempt] }] },
        resourceRules: place.kinds.map(({ group, resources }) => ({ apiGroups: [group], apiVersions: [BUILT_IN.has(group) ? 'v1' : '*'], operations: ['CREATE', 'UPDATE'], resources: [...resources] })),
      },
      variables: [
        ...Object.entries(constants).map(([name, expression]) => ({ name, expression })),
        { name: 'before', expression: `oldObject == null ? [] : ${subject('oldObject')}` },
        { name: 'now', expression: subject('object') },
        ...rules.flatMap(({ variable, offending }) => [
          { name: `${variable}Before`, expression: offending('variables.before') },
          { name: variable, expression: `${offending('variables.now')}.filter(found, !(found in variables.${variable}Before))` },
        ]),
      ],
      validations: rules.map(({ rule, variable, shown, allowed }) => {
        const { requirement, demand, fix } = RULES[rule];
        const [what, then] = [`${rule} (${requirement}): ${demand}`, `allowed: ${allowed}; ${fix}`];
        return { expression: `variables.${variable}.size() == 0`, messageExpression: `${text(`${what}; given: `)} + variables.${variable}${shown === undefined ? '' : `.map(found, ${shown('found')})`}.join(", ") + ${text(`; ${then}`)}`, message: `${what}; ${then}`, reason: 'Invalid' };
      }),
    },
  };
}

function bindingOf({ metadata }: AdmissionPolicy): AdmissionBinding {
  return { apiVersion: API, kind: 'ValidatingAdmissionPolicyBinding', metadata, spec: { policyName: metadata.name, validationActions: ['Deny', 'Audit'] } };
}

function nameGuard(place: NamePlace, scope: ManifestScope): Guard {
  const suffix = scope.hostSuffix;
  const foreign = foreignPattern(scope);
  const may = [`name.matches(${text(NAME_PATTERN)})`, `(name == ${text(suffix)} || name.endsWith(${text(`.${suffix}`)}))`, ...(foreign === undefined ? [] : [`!name.matches(${text(foreign)})`]), `!name.matches(${text(NEVER_PATTERN)})`, `(variables.isPlatform || !(name.startsWith(${text(WILDCARD)}) || name in variables.reserved))`].join(' && ');
  const annotations = (object: string) => NAME_ANNOTATIONS.map((key) => `${object}.metadata.?annotations[?${text(key)}].orValue("").replace(" ", "").trim()`);
  const parts = (object: string) => [...place.paths.map((path) => textAt(object, path.split('.'))), ...annotations(object), ...[derivedText(object, place, `[${annotations(object).join(', ')}]`) ?? []].flat()].join(', ');
  return {
    place,
    exempt: CONTROL_PLANE_NAMESPACES,
    constants: { isPlatform: `request.namespace in ${texts(PLATFORM_NAMESPACES)}`, reserved: texts(reservedNames(scope)) },
    // Names of every place in one text, taken apart again: a list of lists has no other way to become one.
    subject: (object) => `[${parts(object)}].join(${text(SEPARATOR)}).lowerAscii().split(${text(SEPARATOR)}).filter(name, name != "").map(name, name.endsWith(".") ? name.substring(0, name.size() - 1) : name)`,
    rules: [{ rule: 'host-name', variable: 'names', offending: (subject) => `${subject}.filter(name, !(${may}))`, allowed: allowedNames(scope) }],
  };
}

/** Whoever may make them has judged names already: cert-manager, from a Certificate. What one asks for is judged as a whole, so that an update may label it and not ask for more. */
function requestGuard(): Guard {
  return {
    place: CERTIFICATE_REQUEST_PLACE,
    exempt: TRUSTED_NAMESPACES,
    constants: { isRequester: `request.userInfo.username == ${text(CERTIFICATE_REQUESTER)}` },
    subject: (object) => `[dyn(${object}.?spec.orValue({}))]`,
    rules: [{ rule: 'host-name', variable: 'requests', offending: (subject) => `${subject}.filter(spec, !variables.isRequester)`, shown: () => 'request.kind.kind', allowed: 'a Certificate, of which cert-manager makes it' }],
  };
}

function tierGuard({ tiers }: ManifestScope): Guard {
  return {
    place: APPLICATION_PLACE,
    exempt: CONTROL_PLANE_NAMESPACES,
    constants: {},
    subject: (object) => `[${object}.metadata.?labels[?${text(TIER_LABEL)}].orValue("no tier")]`,
    rules: [{ rule: 'application-tier', variable: 'tiers', offending: (subject) => `${subject}.filter(tier, !(tier in ${texts(tiers)}))`, allowed: tiers.join(', ') }],
  };
}

/** As `keyProblem` judges. `own`: what this namespace's keys begin with, nothing where its name is that of something of the platform's. */
function secretGuard(place: SecretPlace, scope: ManifestScope): Guard {
  const fine = `(${isText('key')} && (!found.key.contains(${text(KEY_MARK)}) || ${isOwn('key')})) || (${isText('prefix')} && ${isOwn('prefix')})`;
  return {
    place,
    exempt: TRUSTED_NAMESPACES,
    constants: { own: `request.namespace in ${texts(SECRET_HOLDERS)} ? [] : [${text(keysBegin(scope))} + request.namespace + "/"]` },
    // Each value under the word for what it is: a pattern is a mapping, and compared with the one before as a whole.
    subject: (object) => place.fields.map(({ path, holds }) => `dyn(${valuesOf(object, path.split('.'))}.filter(value, value != null && value != "").map(value, {${text(holds)}: dyn(value)}))`).join(' + '),
    rules: [{ rule: 'secret-key', variable: 'keys', offending: (subject) => `${subject}.filter(found, !(${fine}))`, shown: (item) => `${item}.map(holds, type(${item}[holds]) == string ? string(${item}[holds]) : holds).join("")`, allowed: allowedKeys(scope) }],
  };
}

function podGuard(place: PodPlace, scope: ManifestScope): Guard {
  const { digests, externalDns: { args } } = scope;
  const pinned = `!image.startsWith("@") && variables.digests.exists(digest, image.endsWith("@" + digest))`;
  return {
    place,
    exempt: UNPINNED_NAMESPACES,
    constants: { digests: texts(digests), contract: texts(args) },
    // `dyn`: an ephemeral container is of another type. A volume that is an image counts as a container that has nothing else.
    subject: (object) => [...CONTAINER_LISTS.map((list) => `dyn(${listAt(object, [...place.podSpec.split('.'), list])})`), `dyn(${listAt(object, [...place.podSpec.split('.'), VOLUMES])}.map(volume, {"image": volume.?image.?reference.orValue("")}))`].join(' + '),
    rules: [
      {
        rule: 'image-digest',
        variable: 'images',
        offending: (subject) => `${subject}.map(container, container.?image.orValue("")).join(${text(SEPARATOR)}).split(${text(SEPARATOR)}).filter(image, image != "" && !(${pinned}))`,
        allowed: 'repository@sha256:… with a digest of environments/versions.yaml',
      },
      { rule: 'external-dns-arguments', variable: 'externalDns', offending: (subject) => `${subject}.filter(container, (${isExternalDns(scope)}) && !(${AS_CONTRACTED})).map(container, ${EXTERNAL_DNS_SHOWN})`, allowed: args.join(' ') },
    ],
  };
}

function isExternalDns({ externalDns: { digest } }: ManifestScope): string {
  const image = 'container.?image.orValue("")';
  return [`${image}.matches(${text(EXTERNAL_DNS_IMAGE_PATTERN)})`, ...(digest === undefined ? [] : [`${image}.endsWith(${text(`@${digest}`)})`])].join(' || ');
}

/** CEL of every text at a path of an object in one text: `[]` steps are walked, and what is missing is nothing. */
function textAt(object: string, steps: readonly string[], depth = 0): string {
  const end = steps.findIndex((step) => step.endsWith('[]'));
  // Of a kind without types it is anything, and a list of texts takes texts alone: what is none fails the expression, and so the object.
  if (end === -1) return depth === 0 ? `string(${chain(object, steps)}.orValue(""))` : `${chain(object, steps)}.orValue("")`;
  const list = listAt(object, [...steps.slice(0, end), (steps[end] ?? '').slice(0, -2)]);
  const rest = steps.slice(end + 1);
  const item = `item${depth}`;
  return rest.length === 0 ? `${list}.join(${text(SEPARATOR)})` : `${list}.map(${item}, ${textAt(item, rest, depth + 1)}).join(${text(SEPARATOR)})`;
}

function isText(holds: string): string {
  return `has(found.${holds}) && type(found.${holds}) == string`;
}

function isOwn(holds: string): string {
  return `variables.own.exists(beginning, found.${holds}.startsWith(beginning))`;
}

/** CEL of the values at a path of an object as a list, with at most one step that is walked; what is missing is the empty text. */
function valuesOf(object: string, steps: readonly string[]): string {
  const end = steps.findIndex((step) => step.endsWith('[]'));
  if (end === -1) return `[${chain(object, steps)}.orValue("")]`;
  return `${listAt(object, [...steps.slice(0, end), (steps[end] ?? '').slice(0, -2)])}.map(item, ${chain('item', steps.slice(end + 1))}.orValue(""))`;
}

function listAt(object: string, steps: readonly string[]): string {
  return `${chain(object, steps)}.orValue([])`;
}

function ofContainer(list: string): string {
  return listAt('container', [list]);
}

function chain(object: string, steps: readonly string[]): string {
  return `${object}${steps.map((step) => `.?${step}`).join('')}`;
}

function texts(values: readonly string[]): string {
  return `[${values.map((value) => text(value)).join(', ')}]`;
}

/** A CEL string literal; JSON's escapes are among CEL's. */
function text(value: string): string {
  return JSON.stringify(value);
}
