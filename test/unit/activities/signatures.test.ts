// Signatures against a registry that speaks the OCI API, and files as Cosign signs them: whatever is not shown to be signed counts as unsigned (G1).
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { blobProblem, publicKeyOf } from '../../../activities/cosign.ts';
import { signatureActivities } from '../../../activities/signatures.ts';
import { keyLabel, signatureChecks, type SignatureDemand, signatureDemands } from '../../../domain/signatures.ts';
import { inActivity } from '../../support/in-activity.ts';
import { blobBundle, simplePayload, startRegistry, type TestRegistry } from '../../support/oci-registry.ts';
import { versions } from '../../support/plans.ts';

const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = ({ publicKey }: { publicKey: { export(options: { type: 'spki'; format: 'pem' }): string | Buffer } }) => publicKey.export({ type: 'spki', format: 'pem' }).toString();
const [ours, theirs] = [pair(), pair()];
const digest = `sha256:${createHash('sha256').update('an image').digest('hex')}`;
const other = `sha256:${createHash('sha256').update('another image').digest('hex')}`;
const REPOSITORY = 'team/app';

let registry: TestRegistry;
beforeEach(async () => { registry = await startRegistry(); });
afterEach(async () => { await registry.stop(); });

const { verifySignatures } = inActivity(signatureActivities({}));
const problemOf = async (demand: SignatureDemand) => (await verifySignatures({ demands: [demand] }))[0]?.problem;
const image = (host = registry.host): SignatureDemand => ({ kind: 'image', name: 'app', repository: `${host}/${REPOSITORY}`, digest, key: pem(ours) });

describe('images', () => {
  it('G1: a signature made with the key, of the pinned digest, counts; the token is got as the specification says', async () => {
    registry.signByTag(REPOSITORY, digest, ours.privateKey);
    expect(await problemOf(image())).toBeNull();
    expect(registry.requests.filter((request) => request.startsWith('GET /token'))).toContain(`GET /token?service=${registry.host}&scope=repository:team/app:pull`);
    expect(registry.requests).toContain(`GET /v2/team/app/manifests/${digest.replace(':', '-')}.sig with token`);
  });

  it('G1: one of several signatures is enough, whoever made the others', async () => {
    registry.signByTag(REPOSITORY, digest, theirs.privateKey);
    registry.signByTag(REPOSITORY, digest, ours.privateKey);
    expect(await problemOf(image())).toBeNull();
  });

  it.each(['referrers', 'tag'] as const)('G1: a bundle of Cosign 3 counts, found by %s', async (list) => {
    registry.signByBundle(REPOSITORY, digest, ours.privateKey, { list });
    expect(await problemOf(image())).toBeNull();
  });

  it.each([['rsa', generateKeyPairSync('rsa', { modulusLength: 2048 })], ['ed25519', generateKeyPairSync('ed25519')]] as const)('G1: keys of type %s count', async (_, keys) => {
    registry.signByTag(REPOSITORY, digest, keys.privateKey);
    expect(await problemOf({ ...image(), key: pem(keys) })).toBeNull();
    expect(await problemOf(image())).toBe('its signature was not made with this key');
  });

  it('G1: an unsigned image, a wrong key, another digest, another type of payload, an attestation: each is refused in its own words', async () => {
    expect(await problemOf(image())).toBe('it is not signed');
    registry.signByTag(REPOSITORY, digest, theirs.privateKey);
    expect(await problemOf(image())).toBe('its signature was not made with this key');
    registry.signByTag(REPOSITORY, digest, theirs.privateKey);
    expect(await problemOf(image())).toBe('none of its 2 signatures was made with this key');
    registry.signByTag(REPOSITORY, digest, ours.privateKey, simplePayload('x', other));
    expect(await problemOf(image())).toBe(`what is signed is ${other}, not ${digest}`);
  });

  it.each([
    ['payload', (to: TestRegistry) => { to.signByTag(REPOSITORY, digest, ours.privateKey, simplePayload('x', digest, 'atomic container signature')); }, 'what is signed is of type atomic container signature, not cosign container image signature'],
    ['payload that is none', (to: TestRegistry) => { to.signByTag(REPOSITORY, digest, ours.privateKey, '{"critical":'); }, 'what is signed is no Simple Signing payload'],
    ['attestation', (to: TestRegistry) => { to.signByBundle(REPOSITORY, digest, ours.privateKey, { predicateType: 'https://spdx.dev/Document' }); }, 'what is signed is of type https://spdx.dev/Document, not https://sigstore.dev/cosign/sign/v1'],
    ['bundle of another digest', (to: TestRegistry) => { to.signByBundle(REPOSITORY, digest, ours.privateKey, { subject: other }); }, `what is signed is ${other}, not ${digest}`],
    ['bundle by another key', (to: TestRegistry) => { to.signByBundle(REPOSITORY, digest, theirs.privateKey); }, 'its signature was not made with this key'],
  ] as const)('G1: another %s is refused', async (_, plant, problem) => {
    plant(registry);
    expect(await problemOf(image())).toBe(problem);
  });

  it('G1: bytes that are not of the digest that names them are refused', async () => {
    registry.signByTag(REPOSITORY, digest, ours.privateKey);
    registry.corrupt();
    expect(await problemOf(image())).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v2\/team\/app\/blobs\/sha256:\w+ has digest sha256:/);
  });

  it('failure 36: a registry that is busy for a moment is asked again; one that stays so, or is not there, shows nothing, and nothing counts as signed', async () => {
    registry.signByTag(REPOSITORY, digest, ours.privateKey);
    registry.failNext(2);
    expect(await problemOf(image())).toBeNull();
    registry.failNext(100);
    expect(await problemOf(image())).toMatch(/answered 503$/);
    await registry.stop();
    expect(await problemOf(image())).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v2\/team\/app\/(manifests|referrers)\/\S+ did not answer \(.*ECONNREFUSED/);
  });

  it('G1: what somebody else put beside the image, and cannot be read, takes nothing from a good signature; alone it is none', async () => {
    registry.refer(REPOSITORY, digest, '{"schemaVersion":2,"manifests":[]}');
    registry.refer(REPOSITORY, digest, `{"schemaVersion":2,"layers":[{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","digest":"${other}"}]}`);
    expect(await problemOf(image())).toMatch(/^http:\/\/\S+\/manifests\/sha256:\w+ is not what the OCI specification says it is$/);
    registry.signByBundle(REPOSITORY, digest, ours.privateKey);
    expect(await problemOf(image())).toBeNull();
  });

  it.each(['.sig', ''])('G1: nor does what somebody put at the tag <digest>%s', async (end) => {
    registry.tag(REPOSITORY, `${digest.replace(':', '-')}${end}`, '{"schemaVersion":2}');
    expect(await problemOf(image())).toMatch(/ is not what the OCI specification says it is$/);
    if (end === '') registry.signByTag(REPOSITORY, digest, ours.privateKey);
    else registry.signByBundle(REPOSITORY, digest, ours.privateKey);
    expect(await problemOf(image())).toBeNull();
  });

  it('G1: an answer that is no JSON, as a login page gives, is told with its address', async () => {
    registry.refer(REPOSITORY, digest, '<html>Log in</html>');
    expect(await problemOf(image())).toMatch(/^http:\/\/\S+\/manifests\/sha256:\w+ is not what the OCI specification says it is$/);
  });

  it('G1: a registry that wants a login is told as that', async () => {
    const closed = await startRegistry({ login: 'refused' });
    expect(await problemOf(image(closed.host))).toMatch(/gave no token for team\/app: it answered 401$/);
    await closed.stop();
  });

  it('G1: a registry without tokens is asked without one', async () => {
    const open = await startRegistry({ login: 'none' });
    open.signByTag(REPOSITORY, digest, ours.privateKey);
    expect(await problemOf(image(open.host))).toBeNull();
    expect(open.requests.some((request) => request.includes('token'))).toBe(false);
    await open.stop();
  });
});

describe('files', () => {
  const bytes = Buffer.from('apiVersion: v1\nkind: Namespace\nmetadata: { name: a }\n');
  const sha256 = createHash('sha256').update(bytes).digest('hex');

  it('A2, G1: a pinned file counts by its signature or its bundle; another key, and a file of another sum, do not', async () => {
    const mirror = await mkdtemp(join(tmpdir(), 'goldenpath-test-'));
    await writeFile(join(mirror, `${sha256}.yaml`), bytes);
    const { verifySignatures: verify } = inActivity(signatureActivities({ manifestMirror: mirror }));
    const file = (value: string): SignatureDemand => ({ kind: 'file', name: 'argocd', url: 'http://127.0.0.1:9/install.yaml', sha256, key: pem(ours), value });
    const made = (keys: typeof ours) => sign('sha256', bytes, keys.privateKey).toString('base64');
    const findings = await verify({ demands: [file(`${made(ours)}\n`), file(blobBundle(bytes, ours.privateKey)), file(made(theirs)), file(blobBundle(bytes, theirs.privateKey)), file(blobBundle(Buffer.from('other'), ours.privateKey)), file('{}'), { ...file(made(ours)), sha256: '0'.repeat(64) } as SignatureDemand] });
    await rm(mirror, { recursive: true });
    const wrong = 'the signature was not made of these bytes with this key';
    expect(findings.map(({ problem }) => problem)).toEqual([null, null, wrong, wrong, 'the bundle is of another file', 'the signature is no Sigstore bundle', expect.stringContaining('http://127.0.0.1:9/install.yaml could not be fetched')]);
  });

  it('G1: a bundle of Sigstore’s own tests, signed with a key, counts for its file and for no other', () => {
    // Source: sigstore/sigstore-js, packages/verify, bundle v0.1 with a public key, over `hello, world!`.
    const key = publicKeyOf('-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9DbYBIMQLtWb6J5gtL69jgRwwEfd\ntQtKvvG4+o3ZzlOroJplpXaVgF6wBDob++rNG9/AzSaBmApkEwI52XBjWg==\n-----END PUBLIC KEY-----');
    const signature = 'MEQCIHs5aUulq1HpR+fwmSKpLk/oAwq5O9CDNFHhZAKfG5GmAiBwcVnf2obzsCGVlf0AIvbvHr21NXt7tpLBl4+Brh6OKA==';
    const bundle = JSON.stringify({ mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1', verificationMaterial: { publicKey: { hint: '9a76331edc1cfd3933040996615b1c06adbe6f9b4f11df4106dcceb66e3bdb1b' } }, messageSignature: { messageDigest: { algorithm: 'SHA2_256', digest: 'aOZWslHmfoNYvvhIOrDVHGYZ8+ehqfDnWDjUH/No9yg=' }, signature } });
    expect([blobProblem(Buffer.from('hello, world!'), key, bundle), blobProblem(Buffer.from('hello, world!'), key, signature)]).toEqual([undefined, undefined]);
    expect([blobProblem(Buffer.from('hello, world'), key, bundle), blobProblem(Buffer.from('hello, world'), key, signature)]).toEqual(['the bundle is of another file', 'the signature was not made of these bytes with this key']);
  });
});

describe('demands and verdicts', () => {
  it('G1: only what names a key is asked about', () => {
    expect(signatureDemands(versions())).toEqual([]);
    const given = versions();
    const [kong] = [given.images['kong']];
    if (kong === undefined) throw new Error('no image kong');
    given.images['kong'] = { ...kong, signature: { key: pem(ours) } };
    expect(signatureDemands(given)).toEqual([{ kind: 'image', name: 'kong', repository: kong.repository, digest: kong.digest, key: pem(ours) }]);
  });

  it('G1: a verdict names the image, the key and the reason, and what to do; a key that is none is a reason', async () => {
    const [check] = signatureChecks(await verifySignatures({ demands: [image()] }));
    expect(check).toEqual({
      id: 'signature:image:app', title: `Signature of image ${registry.host}/team/app@${digest}`, ok: false, found: `it is not signed (key ${keyLabel(pem(ours))})`,
      fix: `pin what its publisher signed, or sign it: cosign sign --key <private key> ${registry.host}/team/app@${digest}; or take images.app.signature out of environments/versions.yaml`,
    });
    expect(await problemOf({ ...image(), key: 'keys/app.pub' })).toMatch(/^the key cannot be read: /);
    expect(await problemOf({ ...image(), key: pem(generateKeyPairSync('x25519')) })).toBe('the key is of type x25519; Cosign signs with ec, rsa and ed25519');
  });
});
