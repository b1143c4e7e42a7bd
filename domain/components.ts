// The components of each tier with their sync waves (requirements § T). The app-of-apps chart renders the same list; a test holds them together.
import { compareTiers, type Lifecycle, maxTierFor, type Tier } from './tiers.ts';

export interface Component {
  /** Name of the Argo CD Application. */
  name: string;
  tier: Tier;
  wave: number;
  /** Namespace its objects live in. */
  namespace: string;
  /** Only in this lifecycle, and only where the environment enables it; without one, wherever the ceiling reaches its tier. */
  lifecycle?: Lifecycle;
}

/** The component that alone takes load balancers away: the drain needs it alive, and its own Application goes last (failure 12). Its Deployment has the same name. */
export const LOAD_BALANCER_CONTROLLER: Component = { name: 'aws-load-balancer-controller', tier: '1', wave: 5, namespace: 'kube-system' };

export const COMPONENTS: readonly Component[] = [
  LOAD_BALANCER_CONTROLLER,
  { name: 'cert-manager', tier: '1', wave: 6, namespace: 'cert-manager' },
  { name: 'external-secrets', tier: '1', wave: 10, namespace: 'external-secrets' },
  { name: 'external-dns', tier: '1', wave: 20, namespace: 'external-dns' },
  { name: 'kong', tier: '1', wave: 30, namespace: 'kong' },
  { name: 'cluster-autoscaler', tier: '1', wave: 40, namespace: 'kube-system' },
  { name: 'prometheus', tier: '1.5', wave: 50, namespace: 'monitoring' },
  { name: 'alertmanager', tier: '1.5', wave: 51, namespace: 'monitoring' },
  { name: 'grafana', tier: '1.5', wave: 52, namespace: 'monitoring' },
  // T4, docs/decisions/0012: the ceiling stays 1.5 (F2), so a build's Backstage comes to it, and not the ceiling to Backstage.
  { name: 'backstage', tier: '1.5', wave: 53, namespace: 'backstage', lifecycle: 'ephemeral' },
  { name: 'backstage', tier: '2', wave: 100, namespace: 'backstage' },
  { name: 'loki', tier: '2', wave: 101, namespace: 'monitoring' },
  { name: 'grafana-postgresql', tier: '2', wave: 102, namespace: 'monitoring' },
  { name: 'keycloak', tier: '3', wave: 200, namespace: 'keycloak' },
  { name: 'oidc-config', tier: '3', wave: 201, namespace: 'keycloak' },
];

/** The root application that renders one Application per component (A4). */
export const ROOT_APPLICATION = 'goldenpath';
export const ARGOCD_NAMESPACE = 'argocd';
/** The ConfigMap with the bootstrap values (A3), in Argo CD's namespace. */
export const BOOTSTRAP_CONFIG = 'argocd-bootstrap-config';

/** Namespaces that hold the platform's own applications: nobody else writes there. */
export const PLATFORM_NAMESPACES: readonly string[] = [...new Set([ARGOCD_NAMESPACE, ...COMPONENTS.map(({ namespace }) => namespace)])].toSorted();

/** The label that everything of the platform's own carries, by its charts. */
export const PART_OF = { label: 'app.kubernetes.io/part-of', platform: 'goldenpath' } as const;

/**
 * Whether an object is the platform's own: by its label, and, where it has a namespace, only in the platform's, because anyone may put a label on what is theirs.
 * What tenants run is never a reason to hold the platform up (T3).
 */
export function isPlatformObject({ metadata }: { metadata?: { namespace?: string | undefined; labels?: Record<string, string> } }): boolean {
  const { namespace, labels } = metadata ?? {};
  return labels?.[PART_OF.label] === PART_OF.platform && (namespace === undefined || PLATFORM_NAMESPACES.includes(namespace));
}

/** The applications that exist once the gate of this tier is raised: exactly these, no more (T1). `ephemeralBackstage`: the environment enables it (T4). */
export function componentsUpTo(tier: Tier, lifecycle: Lifecycle, { ephemeralBackstage = false } = {}): Component[] {
  return COMPONENTS.filter((component) => compareTiers(component.tier, tier) <= 0 && compareTiers(component.tier, maxTierFor(lifecycle)) <= 0)
    .filter((component) => component.lifecycle === undefined || (component.lifecycle === lifecycle && ephemeralBackstage));
}

/** Host names the platform publishes, below the host suffix, with the component that does. All of them are reserved to the platform in every lifecycle (D1). */
export const HOSTS: readonly { host: string; component: string }[] = [
  { host: 'kong', component: 'kong' },
  { host: '*.apps', component: 'kong' },
  { host: 'prometheus', component: 'prometheus' },
  { host: 'alertmanager', component: 'alertmanager' },
  { host: 'grafana', component: 'grafana' },
  { host: 'backstage', component: 'backstage' },
  { host: 'grafana-db', component: 'grafana-postgresql' },
  { host: 'keycloak', component: 'keycloak' },
];

/** The host names of `HOSTS` below a platform's host suffix. */
export function platformHosts(hostSuffix: string): string[] {
  return HOSTS.map(({ host }) => `${host}.${hostSuffix}`);
}

/** The hosts that these components publish; acceptance of a tier looks each of its components' up in Route 53 (T3). */
export function hostsOf(components: readonly Component[]): string[] {
  return HOSTS.filter(({ component }) => components.some(({ name }) => name === component)).map(({ host }) => host);
}
