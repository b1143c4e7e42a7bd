// Where Kubernetes objects hold what the rules judge: one table, walked by the check and compiled into CEL for admission (D1, A4, G1).

/** A kind with the resources under which the API server admits it, subresources included. */
export interface Kind {
  group: string;
  kind: string;
  resources: readonly string[];
}

/** Kinds that hold the same things at the same paths: one admission policy. */
export interface Place {
  /** Name of the policy after `goldenpath-`. */
  policy: string;
  kinds: readonly Kind[];
}

/** `paths`: fields that hold host names. Steps are keys; `[]` stands for every item of a list. `derives`: names that it has without giving them (derived-names.ts). */
export interface NamePlace extends Place {
  paths: readonly string[];
  derives?: 'every-host' | 'hosts-of-pods';
}

/** `fields`: where keys of Secrets Manager stand, or what gives some of them: the beginning of all keys of a store, a pattern that finds them. */
export interface SecretPlace extends Place {
  fields: readonly { path: string; holds: 'key' | 'prefix' | 'find' }[];
}

/** `podSpec`: the path of the pod's spec. */
export interface PodPlace extends Place {
  podSpec: string;
}

export const CORE = '';
const GATEWAY = 'gateway.networking.k8s.io';
const EXTERNAL_SECRETS = 'external-secrets.io';
const ANNOTATION = 'external-dns.alpha.kubernetes.io/';

/**
 * Annotations that make ExternalDNS write names, several with commas between them and blanks anywhere. Its other annotations
 * (target, alias, ttl, set-identifier, …) say what a record holds, never what it is called.
 * Source: ExternalDNS 0.21, source/annotations/annotations.go and processors.go
 */
export const NAME_ANNOTATIONS = [`${ANNOTATION}hostname`, `${ANNOTATION}internal-hostname`, 'konghq.com/host-aliases', 'konghq.com/snis'] as const;

/** The IngressClass of the platform's proxy (gitops/apps/kong), and the annotation by which an Ingress named its class before there was a field. */
export const PROXY_CLASS = 'kong';
export const ANNOTATION_CLASS = 'kubernetes.io/ingress.class';

/**
 * Everything that ExternalDNS makes names from: by its contract Ingress and Service; the other kinds so that a source that somebody adds finds nothing outside the scope. And
 * what a certificate is asked for with: whoever holds one for a name can answer in its place.
 */
export const NAME_PLACES: readonly NamePlace[] = [
  { policy: 'ingresses', kinds: [{ group: 'networking.k8s.io', kind: 'Ingress', resources: ['ingresses'] }], paths: ['spec.rules[].host', 'spec.tls[].hosts[]'], derives: 'every-host' },
  { policy: 'services', kinds: [{ group: CORE, kind: 'Service', resources: ['services'] }], paths: [], derives: 'hosts-of-pods' },
  { policy: 'gateways', kinds: [of(GATEWAY, 'Gateway'), of(GATEWAY, 'ListenerSet')], paths: ['spec.listeners[].hostname'] },
  { policy: 'routes', kinds: ['HTTPRoute', 'GRPCRoute', 'TLSRoute', 'TCPRoute', 'UDPRoute'].map((kind) => of(GATEWAY, kind)), paths: ['spec.hostnames[]'] },
  { policy: 'dns-endpoints', kinds: [of('externaldns.k8s.io', 'DNSEndpoint')], paths: ['spec.endpoints[].dnsName'] },
  { policy: 'certificates', kinds: [of('cert-manager.io', 'Certificate')], paths: ['spec.dnsNames[]', 'spec.commonName'] },
];

/** What cert-manager makes of a Certificate, whose names are judged. Made by anybody else, it asks for a certificate in its own words: a signing request that no rule can read. */
export const CERTIFICATE_REQUEST_PLACE: Place = {
  policy: 'certificate-requests',
  kinds: [of('cert-manager.io', 'CertificateRequest'), of('acme.cert-manager.io', 'Order'), of('acme.cert-manager.io', 'Challenge')],
};
/** Who makes them: cert-manager's service account (gitops/apps/cert-manager). */
export const CERTIFICATE_REQUESTER = 'system:serviceaccount:cert-manager:cert-manager';

/**
 * What External Secrets reads by its own role: an ExternalSecret names it; a SecretStore without credentials reads by that role too, and puts its prefix before
 * every key, so that neither half says what is read. PushSecret and ClusterExternalSecret are switched off in gitops/apps/external-secrets.
 * Source: External Secrets 1.3, apis/externalsecrets/v1, and providers/v1/aws/secretsmanager/secretsmanager.go, `fetch`
 */
export const SECRET_PLACE: SecretPlace = {
  policy: 'external-secrets',
  kinds: [of(EXTERNAL_SECRETS, 'ExternalSecret'), of(EXTERNAL_SECRETS, 'SecretStore')],
  fields: [
    { path: 'spec.data[].remoteRef.key', holds: 'key' },
    { path: 'spec.dataFrom[].extract.key', holds: 'key' },
    { path: 'spec.dataFrom[].find', holds: 'find' },
    { path: 'spec.provider.aws.prefix', holds: 'prefix' },
  ],
};

export const APPLICATION_PLACE: Place = { policy: 'applications', kinds: [of('argoproj.io', 'Application')] };
export const APPLICATION_SET_PLACE: Place = { policy: APPLICATION_PLACE.policy, kinds: [of('argoproj.io', 'ApplicationSet')] };
/** The label that every Application carries (A4). */
export const TIER_LABEL = 'goldenpath.idp/tier';

/** Every kind that holds containers. Source: Kubernetes API reference, everything with a PodSpec or a PodTemplateSpec */
export const POD_PLACES: readonly PodPlace[] = [
  { policy: 'pods', kinds: [{ group: CORE, kind: 'Pod', resources: ['pods', 'pods/ephemeralcontainers'] }], podSpec: 'spec' },
  { policy: 'workloads', kinds: [...['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'].map((kind) => of('apps', kind)), of('batch', 'Job'), of(CORE, 'ReplicationController')], podSpec: 'spec.template.spec' },
  { policy: 'cron-jobs', kinds: [of('batch', 'CronJob')], podSpec: 'spec.jobTemplate.spec.template.spec' },
  { policy: 'pod-templates', kinds: [of(CORE, 'PodTemplate')], podSpec: 'template.spec' },
];
export const CONTAINER_LISTS = ['containers', 'initContainers', 'ephemeralContainers'] as const;
/** Of a pod's spec: a volume may be an image too, `image.reference` (Kubernetes 1.31, ImageVolume). */
export const VOLUMES = 'volumes';

/** The control plane's own namespaces: no guard may stand in the way of what keeps the cluster alive. */
export const CONTROL_PLANE_NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease'] as const;
/** Those, and Argo CD's, whose pinned manifest names its images by tag (environments/versions.yaml). */
export const UNPINNED_NAMESPACES = [...CONTROL_PLANE_NAMESPACES, 'argocd'] as const;

/** The plural that Kubernetes gives these kinds. */
function of(group: string, kind: string): Kind {
  return { group, kind, resources: [`${kind.toLowerCase()}s`] };
}

/** A value in an object, and the way to it. */
export interface Found {
  value: unknown;
  path: (string | number)[];
}

/** Every value at a path like `spec.tls[].hosts[]`; nothing where the object has no such field. */
export function valuesAt(object: unknown, path: string): Found[] {
  let found: Found[] = [{ value: object, path: [] }];
  for (const step of path.split('.')) {
    const [key, items] = step.endsWith('[]') ? [step.slice(0, -2), true] : [step, false];
    found = found.flatMap(({ value, path: way }) => {
      const inner = fieldOf(value, key);
      if (inner === undefined || inner === null) return [];
      if (!items) return [{ value: inner, path: [...way, key] }];
      return Array.isArray(inner) ? inner.map((item: unknown, index) => ({ value: item, path: [...way, key, index] })) : [];
    });
  }
  return found;
}

/** A field of a mapping, or undefined. */
export function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}

/** Whether an object's apiVersion and kind are among a place's kinds, in any version of the group. */
export function isOfPlace(object: unknown, place: Place): boolean {
  const [apiVersion, kind] = [fieldOf(object, 'apiVersion'), fieldOf(object, 'kind')];
  if (typeof apiVersion !== 'string') return false;
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : CORE;
  return place.kinds.some((candidate) => candidate.group === group && candidate.kind === kind);
}
