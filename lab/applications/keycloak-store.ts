// What the stand-in for Keycloak remembers: realms, clients and its administrator, in the pod's PostgreSQL database, so that it outlives the pod.
import { randomBytes, randomUUID, scryptSync, timingSafeEqual } from 'node:crypto';
import type pg from 'pg';
import { z } from 'zod';

/** A realm or client as Keycloak's admin API shows it: whatever was sent, with an id. */
export type Representation = Readonly<Record<string, unknown>>;

const rows = z.array(z.object({ representation: z.record(z.string(), z.unknown()) }));
const ADMIN_REALM = 'master';

/** Both statements are safe beside another pod that makes the same. */
const TABLES = [
  'CREATE TABLE IF NOT EXISTS realm (name text PRIMARY KEY, representation jsonb NOT NULL)',
  'CREATE TABLE IF NOT EXISTS client (id uuid PRIMARY KEY, realm text NOT NULL REFERENCES realm, client_id text NOT NULL, representation jsonb NOT NULL, UNIQUE (realm, client_id))',
  'CREATE TABLE IF NOT EXISTS administrator (username text PRIMARY KEY, salt bytea NOT NULL, hash bytea NOT NULL)',
];

export class KeycloakStore {
  readonly #pool: pg.Pool;
  #prepared: Promise<void> | undefined;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Tables, realm `master` and, where there is no administrator yet, this one (KC_BOOTSTRAP_ADMIN_*). Tried again by the next caller where it failed. */
  async prepare(admin: { username: string; password: string }): Promise<void> {
    this.#prepared ??= this.#prepare(admin);
    try {
      await this.#prepared;
    } catch (error) {
      this.#prepared = undefined;
      throw error;
    }
  }

  async isAdministrator(username: string, password: string): Promise<boolean> {
    const { rows: found } = await this.#pool.query<{ salt: Buffer; hash: Buffer }>('SELECT salt, hash FROM administrator WHERE username = $1', [username]);
    const [known] = found;
    return known !== undefined && timingSafeEqual(hashOf(password, known.salt), known.hash);
  }

  async realm(name: string): Promise<Representation | undefined> {
    return (await this.#read('SELECT representation FROM realm WHERE name = $1', [name]))[0];
  }

  /** False where a realm of that name exists. */
  async createRealm(name: string, representation: Representation): Promise<boolean> {
    const { rowCount } = await this.#pool.query('INSERT INTO realm VALUES ($1, $2) ON CONFLICT DO NOTHING', [name, { id: randomUUID(), ...representation, realm: name }]);
    return rowCount === 1;
  }

  /** Fields that are sent replace; all others stay. False where there is no such realm. */
  async updateRealm(name: string, representation: Representation): Promise<boolean> {
    const { rowCount } = await this.#pool.query('UPDATE realm SET representation = representation || $2 WHERE name = $1', [name, representation]);
    return rowCount === 1;
  }

  async clients(realm: string, clientId?: string): Promise<Representation[]> {
    return this.#read('SELECT representation FROM client WHERE realm = $1 AND ($2::text IS NULL OR client_id = $2) ORDER BY client_id', [realm, clientId ?? null]);
  }

  async client(realm: string, id: string): Promise<Representation | undefined> {
    return (await this.#read('SELECT representation FROM client WHERE realm = $1 AND id::text = $2', [realm, id]))[0];
  }

  /** The new client's id; undefined where the realm has a client of that name. */
  async createClient(realm: string, clientId: string, representation: Representation): Promise<string | undefined> {
    const id = randomUUID();
    const secret = randomBytes(24).toString('base64url');
    const { rowCount } = await this.#pool.query('INSERT INTO client VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING', [id, realm, clientId, { secret, ...representation, id, clientId }]);
    return rowCount === 1 ? id : undefined;
  }

  async updateClient(realm: string, id: string, representation: Representation): Promise<boolean> {
    const { rowCount } = await this.#pool.query('UPDATE client SET representation = representation || $3 WHERE realm = $1 AND id::text = $2', [realm, id, { ...representation, id }]);
    return rowCount === 1;
  }

  async #prepare({ username, password }: { username: string; password: string }): Promise<void> {
    for (const statement of TABLES) await this.#pool.query(statement);
    await this.createRealm(ADMIN_REALM, { enabled: true });
    const salt = randomBytes(16);
    await this.#pool.query('INSERT INTO administrator SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM administrator)', [username, salt, hashOf(password, salt)]);
  }

  async #read(statement: string, values: unknown[]): Promise<Representation[]> {
    const { rows: found } = await this.#pool.query(statement, values);
    return rows.parse(found).map(({ representation }) => representation);
  }
}

function hashOf(password: string, salt: Buffer): Buffer {
  return scryptSync(password, salt, 32);
}
