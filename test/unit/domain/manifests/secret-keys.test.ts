import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PLATFORM_NAMESPACES } from '../../../../domain/components.ts';
import { databaseSecretName } from '../../../../domain/databases.ts';
import { breaches } from '../../../../domain/manifests/rules.ts';
import { keyProblem } from '../../../../domain/manifests/secret-keys.ts';
import { SECRET_HOLDERS } from '../../../../domain/platform-secrets.ts';
import { scopeOf } from '../../../support/corpus.ts';
import { label } from '../arbitraries.ts';

const scope = scopeOf('persistent');
/** Names of namespaces: those of DNS, without what only records may hold; near each other, so that both verdicts really occur. */
const namespace = fc.oneof(label.filter((name) => !name.includes('_')), fc.constantFrom('orders', 'orders-2', 'order', 'dev'));
const of = (kind: string, where: string | undefined, spec: object, version = 'v1') => ({ apiVersion: `external-secrets.io/${version}`, kind, metadata: { name: 'x', ...(where === undefined ? {} : { namespace: where }) }, spec });
/** Every way in which a key gets into an object. */
const placed: ((where: string | undefined, key: string) => object)[] = [
  (where, key) => of('ExternalSecret', where, { data: [{ secretKey: 'a', remoteRef: { key: 'else/where' } }, { secretKey: 'b', remoteRef: { key, property: 'password' } }] }),
  (where, key) => of('ExternalSecret', where, { dataFrom: [{ sourceRef: {} }, { extract: { key } }] }),
  (where, key) => of('ExternalSecret', where, { dataFrom: [{ extract: { key } }] }, 'v1beta1'),
];

describe('secret keys', () => {
  it('G1: a namespace has the secrets of the application of its name, and of the product’s no other', () => {
    fc.assert(fc.property(namespace, namespace, fc.constantFrom('dev', 'prod', 'dev-2'), fc.constantFrom('postgres', 'api/tokens', ''), fc.constantFrom(...placed), (where, app, environment, rest, place) => {
      fc.pre(![...PLATFORM_NAMESPACES, ...SECRET_HOLDERS].includes(where));
      const own = where === app && environment === 'dev';
      expect(breaches(place(where, `goldenpath/${environment}/${app}/${rest}`), scope).map(({ rule }) => rule)).toEqual(own ? [] : ['secret-key']);
    }));
  });

  it('R2: what `database create --app` writes is what the namespace of the application’s name may read', () => {
    fc.assert(fc.property(namespace, (app) => {
      fc.pre(!SECRET_HOLDERS.includes(app));
      expect(keyProblem(databaseSecretName({ environment: 'dev', app }), 'key', scope, app)).toBeUndefined();
    }));
  });

  it('G1: what has more before it is refused, an ARN of its own secret too; what is of no product’s name is nobody’s business here', () => {
    for (const before of ['arn:aws:secretsmanager:eu-west-2:111122223333:secret:', 'x', '/', ' ']) expect(keyProblem(`${before}goldenpath/dev/orders/postgres`, 'key', scope, 'orders')).toMatch(/is not of namespace orders/);
    for (const key of ['', 'team/api', 'goldenpath', 'Goldenpath/dev/keycloak/admin']) expect(keyProblem(key, 'key', scope, 'orders')).toBeUndefined();
  });

  it('G1: a namespace that has the name of what the platform’s secrets stand under gets none of them', () => {
    for (const holder of SECRET_HOLDERS) expect(keyProblem(`goldenpath/dev/${holder}/postgres`, 'key', scope, holder)).toMatch(/is not of namespace/);
  });

  it('G1: the platform’s own namespaces, and the control plane’s, are not judged; one that is missing counts as a tenant’s', () => {
    for (const place of placed) {
      for (const where of [...PLATFORM_NAMESPACES, 'kube-public']) expect(breaches(place(where, 'goldenpath/dev/oidc/clients'), scope)).toEqual([]);
      expect(breaches(place(undefined, 'goldenpath/dev/orders/postgres'), scope)).toMatchObject([{ rule: 'secret-key', problem: expect.stringContaining('is in none by its metadata') as string }]);
      expect(breaches(place(undefined, 'else/where'), scope)).toEqual([]);
    }
  });

  it('G1: a pattern is refused, and half of a key in a store that does not hold the other half to the namespace', () => {
    for (const find of [{}, { path: 'goldenpath/dev/orders/' }, { name: { regexp: '.*' } }, { tags: { a: 'b' } }]) expect(breaches(of('ExternalSecret', 'orders', { dataFrom: [{ find }] }), scope)).toMatchObject([{ rule: 'secret-key', path: ['spec', 'dataFrom', 0, 'find'] }]);
    const store = (prefix: string) => breaches(of('SecretStore', 'orders', { provider: { aws: { service: 'SecretsManager', prefix } } }), scope).map(({ rule }) => rule);
    for (const prefix of ['g', 'golden', 'goldenpath/dev/', 'goldenpath/dev/orders', 'goldenpath/dev/keycloak/', 'else/where/']) expect(store(prefix)).toEqual(['secret-key']);
    for (const prefix of ['', 'goldenpath/dev/orders/', 'goldenpath/dev/orders/api/']) expect(store(prefix)).toEqual([]);
  });

  it('G1: a key that is no text is refused', () => {
    expect(breaches(of('ExternalSecret', 'orders', { data: [{ remoteRef: { key: 7 } }] }), scope)).toMatchObject([{ rule: 'secret-key', given: '7', problem: 'is no text' }]);
  });
});
