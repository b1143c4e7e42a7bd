// Image references taken apart, with the names that registries leave out written out (G1).

export interface ImageReference {
  /** With its registry: `docker.io/library/kong`. */
  repository: string;
  tag: string | undefined;
  /** `sha256:…` */
  digest: string | undefined;
}

/**
 * The parts of an image's name. What has no registry is Docker Hub's; there, what has no owner is `library`'s.
 * Source: github.com/distribution/reference, ParseNormalizedNamed.
 */
export function parseImage(image: string): ImageReference {
  const [named = '', digest] = image.split('@', 2);
  const slash = named.lastIndexOf('/');
  const colon = named.indexOf(':', slash + 1);
  const [name, tag] = colon === -1 ? [named, undefined] : [named.slice(0, colon), named.slice(colon + 1)];
  const [first = '', ...rest] = name.split('/');
  const hasRegistry = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  const repository = hasRegistry ? name : `docker.io/${rest.length === 0 ? `library/${name}` : name}`;
  return { repository: repository.replace(/^index\.docker\.io\//, 'docker.io/'), tag, digest };
}
