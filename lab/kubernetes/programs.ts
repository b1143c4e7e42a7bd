// Which containers the lab has a program for: pods of only these run as real processes, all others are kwok's (design: lab, "A kubelet of processes").

export type Program = 'external-dns' | 'argocd' | 'redis' | 'goldenpath' | 'backstage' | 'grafana' | 'keycloak' | 'loki';

/** What of a container says which program it is. */
export interface Runnable {
  readonly image?: string;
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
}

interface Known {
  readonly program: Program;
  /** Repository of the image, without tag and digest. Registries mirror these under other hosts. RE2's syntax, for kwok. */
  readonly repository: string;
  /** Only containers with this variable: all others of the image stay kwok's. */
  readonly where?: { readonly name: string; readonly value: string };
}

const KNOWN: readonly Known[] = [
  { program: 'external-dns', repository: '(^|/)external-dns/external-dns' },
  { program: 'argocd', repository: '(^|/)argoproj/argocd' },
  { program: 'redis', repository: '((^|/)library/redis|^redis)' },
  { program: 'goldenpath', repository: '(^|/)goldenpathidp/goldenpath' },
  { program: 'backstage', repository: '(^|/)backstage/backstage' },
  // The Grafana of tier 1.5 keeps SQLite in its pod: nothing to prove, and a process on every ephemeral platform.
  { program: 'grafana', repository: '(^|/)grafana/grafana', where: { name: 'GF_DATABASE_TYPE', value: 'postgres' } },
  { program: 'keycloak', repository: '(^|/)keycloak/keycloak' },
  { program: 'loki', repository: '(^|/)grafana/loki' },
];

/** The image's repository, whatever tag or digest follows it. */
const END = '([:@].*)?$';

/** The same as a jq expression over a pod, for kwok's stage selectors: the images of its containers that have a program. */
export const IMAGES_WITH_A_PROGRAM = `.spec.containers.[] | select(${KNOWN.map(({ repository, where }) => {
  const image = `(.image | test("${repository}${END}"))`;
  return where === undefined ? image : `(${image} and any(.env[]?; .name == "${where.name}" and .value == "${where.value}"))`;
}).join(' or ')}) | .image`;

/** Tags that the lab's programs stand for; redis 6.2 stands for whatever version is asked for, and so do stand-ins. */
const TAGS: Readonly<Partial<Record<Program, string>>> = { 'external-dns': 'v0.21.0', argocd: 'v3.2.11' };

/** The tag that the lab's program stands for, where the image asks for another one: running it would prove nothing. */
export function otherTag(container: Runnable): string | undefined {
  const program = programOf(container);
  const tag = /:([^/:]+)$/.exec((container.image ?? '').replace(/@.*$/, ''))?.[1];
  const own = program === undefined ? undefined : TAGS[program];
  return tag === undefined || own === undefined || tag === own ? undefined : own;
}

/** The program for a container, or undefined where the lab has none. */
export function programOf({ image = '', env = [] }: Runnable): Program | undefined {
  return KNOWN.find(({ repository, where }) => {
    return new RegExp(`${repository}${END}`).test(image) && (where === undefined || env.some(({ name, value }) => name === where.name && value === where.value));
  })?.program;
}

/** Does a pod with these containers belong to the kubelet of processes? One with a program is enough, as in kwok's selector. */
export function runsAsProcesses(containers: readonly Runnable[]): boolean {
  return containers.some((container) => programOf(container) !== undefined);
}
