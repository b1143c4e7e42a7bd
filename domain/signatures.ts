// Cosign's signatures of what the version manifest names a key for: what is demanded, what a signed text must say, the verdict (G1).
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import type { CheckResult } from './foundation.ts';
import { jsonOf } from './json.ts';
import { MANIFESTS, type Versions } from './versions.ts';

/** Something that must be signed, and by whom. */
export type SignatureDemand =
  | { kind: 'image'; name: string; repository: string; digest: string; key: string }
  | { kind: 'file'; name: string; url: string; sha256: string; key: string; value: string };

/** What became of a demand: signed, or why it does not count. */
export interface SignatureFinding {
  demand: SignatureDemand;
  problem: string | null;
}

/** Every image and manifest file that names a key, in the manifest's order. Most manifests have none. */
export function signatureDemands({ images, manifests }: Pick<Versions, 'images' | 'manifests'>): SignatureDemand[] {
  return [
    ...MANIFESTS.flatMap((name) => manifests[name].files.flatMap(({ url, sha256: digest, signature }): SignatureDemand[] => (signature === undefined ? [] : [{ kind: 'file', name, url, sha256: digest, ...signature }]))),
    ...Object.entries(images).flatMap(([name, { repository, digest, signature }]): SignatureDemand[] => (signature === undefined ? [] : [{ kind: 'image', name, repository, digest, key: signature.key }])),
  ];
}

/** The verdict on each demand: it names the thing, the key and the reason. */
export function signatureChecks(findings: readonly SignatureFinding[]): CheckResult[] {
  return findings.map(({ demand, problem }) => {
    const { subject, field, command } = wordsOf(demand);
    const id = `signature:${demand.kind}:${demand.kind === 'image' ? demand.name : demand.url}`;
    const title = `Signature of ${subject}`;
    if (problem === null) return { id, title, ok: true, found: `signed with key ${keyLabel(demand.key)}`, fix: '' };
    return { id, title, ok: false, found: `${problem} (key ${keyLabel(demand.key)})`, fix: `pin what its publisher signed, or sign it: ${command}; or take ${field} out of environments/versions.yaml` };
  });
}

function wordsOf(demand: SignatureDemand): { subject: string; field: string; command: string } {
  if (demand.kind === 'image') return { subject: `image ${demand.repository}@${demand.digest}`, field: `images.${demand.name}.signature`, command: `cosign sign --key <private key> ${demand.repository}@${demand.digest}` };
  return { subject: `${demand.name} ${demand.url}`, field: `the signature of manifests.${demand.name}`, command: 'cosign sign-blob --key <private key> <file>' };
}

/** By what people tell public keys apart: the beginning of the sha256 of the PEM's content. */
export function keyLabel(pem: string): string {
  const content = pem.replaceAll(/-----[A-Z ]+-----|\s/g, '');
  return `sha256:${bytesToHex(sha256(utf8ToBytes(content))).slice(0, 12)}`;
}

const simpleSigning = z.object({ critical: z.object({ type: z.string(), image: z.object({ 'docker-manifest-digest': z.string() }) }) });

/**
 * Why a signed payload does not speak of the image of this digest; undefined where it does. Its name of the image is ignored, as the specification says: a mirrored
 * image keeps its signature, and the digest is what was signed. Source: sigstore/cosign specs/SIGNATURE_SPEC.md, Simple Signing.
 */
export function payloadProblem(payload: string, digest: string): string | undefined {
  const parsed = simpleSigning.safeParse(jsonOf(payload));
  if (!parsed.success) return 'what is signed is no Simple Signing payload';
  const { type, image } = parsed.data.critical;
  if (type !== 'cosign container image signature') return `what is signed is of type ${type}, not cosign container image signature`;
  const signed = image['docker-manifest-digest'];
  return signed === digest ? undefined : `what is signed is ${signed}, not ${digest}`;
}

const bundleSchema = z.object({
  mediaType: z.string().startsWith('application/vnd.dev.sigstore.bundle'),
  messageSignature: z.object({ messageDigest: z.object({ algorithm: z.string(), digest: z.string() }).optional(), signature: z.string() }).optional(),
  dsseEnvelope: z.object({ payload: z.string(), payloadType: z.string(), signatures: z.array(z.object({ sig: z.string() })).min(1) }).optional(),
});

/** A Sigstore bundle: over a message, or an envelope with a statement. Source: sigstore/protobuf-specs, sigstore_bundle.proto. */
export type Bundle = z.infer<typeof bundleSchema>;

/** The bundle in a text, or undefined where it holds none. */
export function parseBundle(text: string): Bundle | undefined {
  return bundleSchema.safeParse(jsonOf(text)).data;
}

const statementSchema = z.object({ predicateType: z.string(), subject: z.array(z.object({ digest: z.object({ sha256: z.string().optional() }) })) });
/** The statement that `cosign sign` of version 3 makes of an image. Source: sigstore/cosign, types.CosignSignPredicateType. */
const SIGN_PREDICATE = 'https://sigstore.dev/cosign/sign/v1';

/** The same for the statement in an envelope. An attestation speaks of the image as well, and is no signature of it. */
export function statementProblem(statement: string, digest: string): string | undefined {
  const parsed = statementSchema.safeParse(jsonOf(statement));
  if (!parsed.success) return 'what is signed is no in-toto statement';
  if (parsed.data.predicateType !== SIGN_PREDICATE) return `what is signed is of type ${parsed.data.predicateType}, not ${SIGN_PREDICATE}`;
  const signed = parsed.data.subject.map(({ digest: { sha256: hex } }) => `sha256:${hex ?? ''}`);
  return signed.includes(digest) ? undefined : `what is signed is ${signed.join(', ') || 'nothing'}, not ${digest}`;
}
