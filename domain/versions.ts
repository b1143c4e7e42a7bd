// The schema of environments/versions.yaml: the version manifest, one place where every version and digest is pinned (C1, G1).
import { z } from 'zod';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a sha256 in hex');

/** One upstream release as it is applied: its files in order, each with the sha256 of its bytes. */
const manifest = z.strictObject({ version: z.string().min(1), files: z.array(z.strictObject({ url: z.url(), sha256 })).min(1) });

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
  /** Images of the applications, by the name that charts use. */
  images: z.record(
    z.string(),
    z.strictObject({ repository: z.string().min(1), tag: z.string().min(1), digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be an image digest sha256:…') }),
  ),
});

export type Versions = z.infer<typeof versionsSchema>;
export type AddonName = keyof Versions['addons'];
