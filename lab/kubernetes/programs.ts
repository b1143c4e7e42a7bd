// Which container images the lab has a program for: pods of only these run as real processes, all others are kwok's (design: lab, "A kubelet of processes").

export type Program = 'external-dns' | 'argocd' | 'redis';

/** Repository of an image, without tag and digest, by the program that stands for it. Registries mirror these under other hosts. */
const REPOSITORIES: readonly { readonly program: Program; readonly path: RegExp }[] = [
  { program: 'external-dns', path: /(^|\/)external-dns\/external-dns$/ },
  { program: 'argocd', path: /(^|\/)argoproj\/argocd$/ },
  { program: 'redis', path: /(^|\/)library\/redis$|^redis$/ },
];

/** The same as a jq regular expression over a whole image name, for kwok's stage selectors. */
export const IMAGES_WITH_A_PROGRAM = '((^|/)(external-dns/external-dns|argoproj/argocd|library/redis)|^redis)([:@].*)?$';

/** Tags that the lab's programs stand for; redis 6.2 stands for whatever version is asked for. */
const TAGS: Readonly<Partial<Record<Program, string>>> = { 'external-dns': 'v0.21.0', argocd: 'v3.2.11' };

/** The tag that the lab's program stands for, where the image asks for another one: running it would prove nothing. */
export function otherTag(image: string): string | undefined {
  const program = programOf(image);
  const tag = /:([^/:]+)$/.exec(image.replace(/@.*$/, ''))?.[1];
  const own = program === undefined ? undefined : TAGS[program];
  return tag === undefined || own === undefined || tag === own ? undefined : own;
}

/** The program for an image, or undefined where the lab has none. */
export function programOf(image: string): Program | undefined {
  const repository = image.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
  return REPOSITORIES.find(({ path }) => path.test(repository))?.program;
}

/** Does a pod with these images belong to the kubelet of processes? One image with a program is enough, as in kwok's selector. */
export function runsAsProcesses(images: readonly string[]): boolean {
  return images.some((image) => programOf(image) !== undefined);
}
