// The schema of environments/versions.yaml: the version manifest, one place where every version and digest is pinned (C1, G1).
import { z } from 'zod';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a sha256 in hex');

/** One PEM block and nothing beside it: what stands there goes with the plan into histories. */
export const PUBLIC_KEY = /^\s*-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*$/;
/** A public key as `cosign generate-key-pair` and `cosign public-key` write it, or the path of such a file below environments/, which whoever reads the manifest puts in its place. */
const key = z.string().regex(new RegExp(`${PUBLIC_KEY.source}|^keys/[\\w.-]+$`), 'must be a PEM public key, or the path of one below environments/, e.g. keys/upstream.pub');

/** A detached signature as `cosign sign-blob` writes it: base64, a bundle's JSON, or the path of a file with either below environments/. */
const blobSignature = z.strictObject({ key, value: z.string().min(1) });

/** One upstream release as it is applied: its files in order, each with the sha256 of its bytes. */
const manifest = z.strictObject({ version: z.string().min(1), files: z.array(z.strictObject({ url: z.url(), sha256, signature: blobSignature.optional() })).min(1) });

export const versionsSchema = z.strictObject({
  kubernetes: z.string().regex(/^1\.\d+$/, 'must be an EKS minor version in quotes, e.g. "1.36"'),
  addons: z.strictObject({
    'vpc-cni': z.string().min(1),
    'kube-proxy': z.string().min(1),
    coredns: z.string().min(1),
    'aws-ebs-csi-driver': z.string().min(1),
  }),
  /** Manifests applied by the product itself, checked by sha256 before anything of them is applied (A2). */
  manifests: z.strictObject({
    argocd: manifest,
    externalSecretsCrds: manifest,
    certManagerCrds: manifest,
  }),
  /**
   * The commit of the repository whose `gitops/` Argo CD renders, in every environment; without it each environment's own revision holds, and a branch moves.
   * Optional, because the commit that holds this file cannot name itself.
   */
  charts: z.strictObject({ commit: z.string().regex(/^[0-9a-f]{40}$/, 'must be a whole commit id: forty characters, 0-9 and a-f') }).optional(),
  /** Images of the applications, by the name that charts use. */
  images: z.record(
    z.string(),
    z.strictObject({ repository: z.string().min(1), tag: z.string().min(1), digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be an image digest sha256:…'),
      /** Where there is a key, nothing is changed unless the image's digest is signed with it, as `cosign sign --key` does. */
      signature: z.strictObject({ key }).optional() }),
  ),
});

export type Versions = z.infer<typeof versionsSchema>;
export type AddonName = keyof Versions['addons'];

/** The manifests that the product applies itself, by their names in the version manifest. */
export const MANIFESTS = ['argocd', 'externalSecretsCrds', 'certManagerCrds'] as const satisfies readonly (keyof Versions['manifests'])[];
