// Names that an object has without giving them: what an Ingress without a host takes at the platform's proxy, and what ExternalDNS makes of a headless Service (D1). The check's reading and admission's, side by side.
import { ANNOTATION_CLASS, fieldOf, type Found, type NamePlace, PROXY_CLASS, valuesAt } from './places.ts';

/** Every host of the proxy, in admission's list of names. It is no host name, so that no object may have it. */
const EVERY_HOST = '*';
/** `clusterIP` of a headless Service. */
const HEADLESS = 'None';

/**
 * Where an Ingress at the platform's proxy serves every host: a rule without a host, a default backend. With one more condition than the platform's own route has
 * (`konghq.com/methods`, `…/headers.*`) it comes before that one, and takes its traffic. Source: Kong's documentation, "How routing works", priorities
 */
export function openPlaces(object: unknown, { derives }: NamePlace): Found[] {
  if (derives !== 'every-host' || !isAtProxy(object)) return [];
  return [...valuesAt(object, 'spec.rules[]').filter(({ value }) => (fieldOf(value, 'host') ?? '') === ''), ...valuesAt(object, 'spec.defaultBackend')];
}

/**
 * Below the names of a headless Service ExternalDNS writes one for the `hostname` of each of its pods, whatever that is: a wildcard, as far as anybody can tell from the Service.
 * `annotated`: what the object's annotations name. Source: ExternalDNS 0.21, source/service.go, `extractHeadlessEndpoints`
 */
export function podNames(object: unknown, { derives }: NamePlace, annotated: readonly { name: string; path: Found['path'] }[]): Found[] {
  if (derives !== 'hosts-of-pods' || valuesAt(object, 'spec.clusterIP')[0]?.value !== HEADLESS) return [];
  return annotated.map(({ name, path }) => ({ value: `*.${name}`, path }));
}

/** Both as CEL of one text with commas. `annotations`: CEL of a list of the texts of the annotations. */
export function derivedText(object: string, { derives }: NamePlace, annotations: string): string | undefined {
  if (derives === 'hosts-of-pods') return `(${object}.?spec.?clusterIP.orValue("") == ${text(HEADLESS)} ? ${annotations}.join(",").split(",").filter(name, name != "").map(name, "*." + name).join(",") : "")`;
  if (derives !== 'every-host') return undefined;
  const [field, annotation] = [`${object}.?spec.?ingressClassName.orValue("")`, `${object}.metadata.?annotations[?${text(ANNOTATION_CLASS)}].orValue("")`];
  const atProxy = `(${field} == ${text(PROXY_CLASS)} || ${annotation} == ${text(PROXY_CLASS)} || (${field} == "" && ${annotation} == ""))`;
  const open = `(${object}.?spec.?defaultBackend.hasValue() || ${object}.?spec.?rules.orValue([]).exists(rule, rule.?host.orValue("") == ""))`;
  return `(${atProxy} && ${open} ? ${text(EVERY_HOST)} : "")`;
}

/** Whether the platform's proxy serves an Ingress: one of its class, by the field or the old annotation, or of none. Source: Kong Ingress Controller 3, `MatchesIngressClass` */
function isAtProxy(object: unknown): boolean {
  const annotations = fieldOf(fieldOf(object, 'metadata'), 'annotations');
  const classes = [valuesAt(object, 'spec.ingressClassName')[0]?.value ?? '', fieldOf(annotations, ANNOTATION_CLASS) ?? ''];
  return classes.includes(PROXY_CLASS) || classes.every((name) => name === '');
}

function text(value: string): string {
  return JSON.stringify(value);
}
