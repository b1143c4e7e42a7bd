// The rules as ValidatingAdmissionPolicies: the API server itself refuses, with no webhook that could be gone (G1, D1, failure 4).
import { EXTERNAL_DNS_IMAGE_PATTERN, FLAG_VARIABLE_PREFIX, FREE_ARGUMENT_PATTERN } from './external-dns-container.ts';
import { allowedNames, buildPattern, NAME_PATTERN, SEPARATOR } from './host-names.ts';
import { APPLICATION_PLACE, CONTAINER_LISTS, CONTROL_PLANE_NAMESPACES, NAME_ANNOTATIONS, NAME_PLACES, type NamePlace, type Place, POD_PLACES, type PodPlace, TIER_LABEL, UNPINNED_NAMESPACES } from './places.ts';
import { RULES, type RuleId } from './rules.ts';
import type { ManifestScope } from './scope.ts';

const API = 'admissionregistration.k8s.io/v1';
const LABELS = { 'app.kubernetes.io/part-of': 'goldenpath' };

/** One rule at one place. `offending` gives the CEL of the list of texts that break it, in an object of that name. */
interface Judgement {
  rule: RuleId;
  /** Name of its CEL variable. */
  variable: string;
  offending: (object: string) => string;
  allowed: string;
}

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
  return [
    ...NAME_PLACES.map((place) => policyOf(place, CONTROL_PLANE_NAMESPACES, [namesOf(place, scope)])),
    policyOf(APPLICATION_PLACE, CONTROL_PLANE_NAMESPACES, [tierOf(scope)]),
    ...POD_PLACES.map((place) => policyOf(place, UNPINNED_NAMESPACES, [imagesOf(place, scope), externalDnsOf(place, scope)])),
  ].map((policy) => ({ policy, binding: bindingOf(policy) }));
}

export function policyName({ policy }: Pick<Place, 'policy'>): string {
  return `goldenpath-${policy}`;
}

function policyOf(place: Place, exempt: readonly string[], judgements: Judgement[]): AdmissionPolicy {
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
        resourceRules: place.kinds.map(({ group, resources }) => ({ apiGroups: [group], apiVersions: ['*'], operations: ['CREATE', 'UPDATE'], resources: [...resources] })),
      },
      variables: judgements.flatMap(({ variable, offending }) => [
        { name: `${variable}Before`, expression: `oldObject == null ? [] : ${offending('oldObject')}` },
        { name: variable, expression: `${offending('object')}.filter(found, !(found in variables.${variable}Before))` },
      ]),
      validations: judgements.map(({ rule, variable, allowed }) => {
        const { requirement, demand, fix } = RULES[rule];
        const words = [`${rule} (${requirement}): ${demand}`, `allowed: ${allowed}; ${fix}`];
        return {
          expression: `variables.${variable}.size() == 0`,
          messageExpression: `${text(`${words[0]}; given: `)} + variables.${variable}.join(", ") + ${text(`; ${words[1]}`)}`,
          message: words.join('; '),
          reason: 'Invalid',
        };
      }),
    },
  };
}

function bindingOf({ metadata }: AdmissionPolicy): AdmissionBinding {
  return { apiVersion: API, kind: 'ValidatingAdmissionPolicyBinding', metadata, spec: { policyName: metadata.name, validationActions: ['Deny', 'Audit'] } };
}

function namesOf({ paths }: NamePlace, scope: ManifestScope): Judgement {
  const suffix = scope.hostSuffix;
  const builds = buildPattern(scope);
  const may = [`name.matches(${text(NAME_PATTERN)})`, `(name == ${text(suffix)} || name.endsWith(${text(`.${suffix}`)}))`, ...(builds === undefined ? [] : [`!name.matches(${text(builds)})`])].join(' && ');
  const places = (object: string) => [...paths.map((path) => textAt(object, path.split('.'))), ...NAME_ANNOTATIONS.map((key) => `${object}.metadata.?annotations[?${text(key)}].orValue("").replace(" ", "").trim()`)];
  return {
    rule: 'host-name',
    variable: 'names',
    offending: (object) => `${joined(places(object))}.lowerAscii().split(${text(SEPARATOR)}).filter(name, name != "").map(name, name.endsWith(".") ? name.substring(0, name.size() - 1) : name).filter(name, !(${may}))`,
    allowed: allowedNames(scope),
  };
}

function tierOf({ tiers }: ManifestScope): Judgement {
  return {
    rule: 'application-tier',
    variable: 'tier',
    offending: (object) => `[${object}.metadata.?labels[?${text(TIER_LABEL)}].orValue("no tier")].filter(tier, !(tier in ${texts(tiers)}))`,
    allowed: tiers.join(', '),
  };
}

function imagesOf({ podSpec }: PodPlace, { digests }: ManifestScope): Judgement {
  return {
    rule: 'image-digest',
    variable: 'images',
    offending: (object) => `${joined(CONTAINER_LISTS.map((list) => textAt(object, [...podSpec.split('.'), `${list}[]`, 'image'])))}.split(${text(SEPARATOR)}).filter(image, image != "" && !(!image.startsWith("@") && ${texts(digests)}.exists(digest, image.endsWith("@" + digest))))`,
    allowed: 'repository@sha256:… with a digest of environments/versions.yaml',
  };
}

function externalDnsOf({ podSpec }: PodPlace, { externalDns: { args, digest } }: ManifestScope): Judgement {
  const image = 'container.?image.orValue("")';
  const isExternalDns = [`${image}.matches(${text(EXTERNAL_DNS_IMAGE_PATTERN)})`, ...(digest === undefined ? [] : [`${image}.endsWith(${text(`@${digest}`)})`])].join(' || ');
  const asContracted = [
    `${texts(args)}.all(arg, arg in ${ofContainer('args')})`,
    `${ofContainer('args')}.all(arg, arg in ${texts(args)} || arg.matches(${text(FREE_ARGUMENT_PATTERN)}))`,
    `${ofContainer('command')}.size() == 0`,
    `${ofContainer('env')}.all(variable, !variable.name.startsWith(${text(FLAG_VARIABLE_PREFIX)}))`,
    `${ofContainer('envFrom')}.size() == 0`,
  ].join(' && ');
  // Everything that the verdict looks at, so that only an unchanged container counts as the one that was there before.
  const shown = [`${ofContainer('command')}.join(" ")`, `${ofContainer('args')}.join(" ")`, `${ofContainer('env')}.map(variable, variable.name + "=" + variable.?value.orValue("")).join(" ")`, `(${ofContainer('envFrom')}.size() == 0 ? "" : "envFrom")`].join(' + " " + ');
  return {
    rule: 'external-dns-arguments',
    variable: 'externalDns',
    offending: (object) => `(${CONTAINER_LISTS.map((list) => `${listAt(object, [...podSpec.split('.'), list])}.filter(container, (${isExternalDns}) && !(${asContracted})).map(container, ${shown})`).join(' + ')})`,
    allowed: args.join(' '),
  };
}

/** CEL of every text at a path of an object in one text: `[]` steps are walked, and what is missing is nothing. */
function textAt(object: string, steps: readonly string[], depth = 0): string {
  const end = steps.findIndex((step) => step.endsWith('[]'));
  if (end === -1) return `${chain(object, steps)}.orValue("")`;
  const list = listAt(object, [...steps.slice(0, end), (steps[end] ?? '').slice(0, -2)]);
  const rest = steps.slice(end + 1);
  const item = `item${depth}`;
  return rest.length === 0 ? `${list}.join(${text(SEPARATOR)})` : `${list}.map(${item}, ${textAt(item, rest, depth + 1)}).join(${text(SEPARATOR)})`;
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

function joined(expressions: readonly string[]): string {
  return `[${expressions.join(', ')}].join(${text(SEPARATOR)})`;
}

function texts(values: readonly string[]): string {
  return `[${values.map((value) => text(value)).join(', ')}]`;
}

/** A CEL string literal; JSON's escapes are among CEL's. */
function text(value: string): string {
  return JSON.stringify(value);
}
