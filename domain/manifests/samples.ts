// Objects that a policy must refuse, one for each that the API server can be asked about: a guard counts once it was seen to refuse (G1).
import type { PodPlace } from './places.ts';
import { KEY_MARK } from './secret-keys.ts';

const NAME = 'goldenpath-admission-sample';
/** A name of no platform (RFC 2606), and an image without a digest. */
const OUTSIDE = 'outside.invalid';
const CONTAINERS = [{ name: 'sample', image: 'outside.invalid/not-pinned' }];
const TEMPLATE = { metadata: { labels: { app: NAME } }, spec: { containers: CONTAINERS } };

export interface Sample {
  /** Of NAME_PLACES, CERTIFICATE_REQUEST_PLACE, APPLICATION_PLACE, SECRET_PLACE or POD_PLACES. */
  policy: PodPlace['policy'];
  object: { apiVersion: string; kind: string; metadata: { name: string; namespace: string; annotations?: Record<string, string> }; [field: string]: unknown };
}

/**
 * They are sent with dryRun and never kept. Gateway API and DNSEndpoint are missing: no platform serves them by itself. ExternalSecret is there on every platform: the stage
 * `cluster` applies its pinned definition and waits until it is served, and every gate is raised after that.
 */
export const REFUSED_SAMPLES: readonly Sample[] = [
  { policy: 'ingresses', object: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: inDefault(), spec: { rules: [{ host: OUTSIDE }] } } },
  { policy: 'services', object: { apiVersion: 'v1', kind: 'Service', metadata: { ...inDefault(), annotations: { 'external-dns.alpha.kubernetes.io/hostname': OUTSIDE } }, spec: { ports: [{ port: 80 }] } } },
  { policy: 'certificates', object: { apiVersion: 'cert-manager.io/v1', kind: 'Certificate', metadata: inDefault(), spec: { secretName: NAME, dnsNames: [OUTSIDE], issuerRef: { name: NAME } } } },
  { policy: 'certificate-requests', object: { apiVersion: 'cert-manager.io/v1', kind: 'CertificateRequest', metadata: inDefault(), spec: { request: btoa('not signed by anybody'), issuerRef: { name: NAME } } } },
  { policy: 'applications', object: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name: NAME, namespace: 'argocd' }, spec: { project: 'default', destination: { server: 'https://kubernetes.default.svc', namespace: 'default' }, source: { repoURL: 'https://outside.invalid', path: '.' } } } },
  { policy: 'external-secrets', object: { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', metadata: inDefault(), spec: { secretStoreRef: { kind: 'ClusterSecretStore', name: 'aws-secrets-manager' }, data: [{ secretKey: 'sample', remoteRef: { key: `${KEY_MARK}${OUTSIDE}/sample` } }] } } },
  { policy: 'pods', object: { apiVersion: 'v1', kind: 'Pod', metadata: inDefault(), spec: TEMPLATE.spec } },
  { policy: 'workloads', object: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: inDefault(), spec: { selector: { matchLabels: { app: NAME } }, template: TEMPLATE } } },
  { policy: 'cron-jobs', object: { apiVersion: 'batch/v1', kind: 'CronJob', metadata: inDefault(), spec: { schedule: '@yearly', jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: CONTAINERS } } } } } } },
  { policy: 'pod-templates', object: { apiVersion: 'v1', kind: 'PodTemplate', metadata: inDefault(), template: TEMPLATE } },
];

function inDefault(): { name: string; namespace: string } {
  return { name: NAME, namespace: 'default' };
}
