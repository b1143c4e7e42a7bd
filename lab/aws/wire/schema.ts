// Reads the schemas that the AWS SDK's client packages export (names ending in `$`), so that routes and wire names of
// operations are the SDK's own. Source of the format: @smithy/types schema/static-schemas.

/** Smithy traits of a shape or a member, e.g. `httpQuery`, `xmlName`, `httpLabel`. */
export type Traits = Readonly<Record<string, unknown>>;

export type SimpleKind = 'string' | 'number' | 'boolean' | 'timestamp' | 'blob' | 'document' | 'unit';

/** A shape with its references resolved on demand (shapes may be recursive). */
export type Shape =
  | { kind: SimpleKind; traits: Traits; format?: 'date-time' | 'http-date' | 'epoch-seconds' }
  | { kind: 'list'; traits: Traits; item: Shape }
  | { kind: 'map'; traits: Traits; key: Shape; value: Shape }
  | { kind: 'structure'; name: string; traits: Traits; members: readonly Member[] };

export type Structure = Extract<Shape, { kind: 'structure' }>;

export interface Member {
  name: string;
  required: boolean;
  shape: Shape;
}

/** An operation as the SDK's schema binds it; `http` is method, path template and status of success. */
export interface Operation {
  name: string;
  http?: { method: string; path: string; status: number };
  input: Shape;
  output: Shape;
}

const SIMPLE: Record<number, { kind: SimpleKind; format?: 'date-time' | 'http-date' | 'epoch-seconds' }> = {
  0: { kind: 'string' },
  1: { kind: 'number' },
  2: { kind: 'boolean' },
  4: { kind: 'timestamp' },
  5: { kind: 'timestamp', format: 'date-time' },
  6: { kind: 'timestamp', format: 'http-date' },
  7: { kind: 'timestamp', format: 'epoch-seconds' },
  15: { kind: 'document' },
  17: { kind: 'number' },
  19: { kind: 'number' },
  21: { kind: 'blob' },
  42: { kind: 'blob' },
};
const TRAIT_BITS = [
  'httpLabel', 'idempotent', 'idempotencyToken', 'sensitive', 'httpPayload', 'httpResponseCode', 'httpQueryParams',
];
const LIST_BIT = 0x40;
const MAP_BIT = 0x80;

/** The operations of an SDK module by name. */
export function operationsIn(sdk: Record<string, unknown>): Map<string, Operation> {
  const operations = new Map<string, Operation>();
  for (const schema of Object.values(sdk)) {
    if (!isStatic(schema) || schema[0] !== 9) continue;
    const name = String(schema[2]);
    const http: unknown = traitsOf(schema[3])['http'];
    operations.set(name, {
      name,
      ...(Array.isArray(http) && { http: { method: String(http[0]), path: String(http[1]), status: Number(http[2]) } }),
      get input() { return shapeOf(schema[4]); },
      get output() { return shapeOf(schema[5]); },
    });
  }
  return operations;
}

/** The shape of an error code in an SDK module, with the status AWS answers it with; nothing where the code is not modelled. */
export function errorIn(sdk: Record<string, unknown>, code: string): { shape: Structure; status: number } | undefined {
  const schema = sdk[`${code}$`];
  if (!isStatic(schema) || schema[0] !== -3) return undefined;
  const shape = shapeOf(schema);
  if (shape.kind !== 'structure') return undefined;
  const status = shape.traits['httpError'];
  return { shape, status: typeof status === 'number' ? status : 400 };
}

const shapes = new WeakMap<object, Shape>();

/** Resolves a reference of the SDK's schemas: a number, a thunk, a static schema, or one of these with member traits. */
export function shapeOf(ref: unknown, memberTraits: Traits = {}): Shape {
  if (isThunk(ref)) return shapeOf(ref(), memberTraits);
  if (Array.isArray(ref) && !isStatic(ref)) return shapeOf(ref[0], { ...memberTraits, ...traitsOf(ref[1]) });
  const own = isStatic(ref) ? remembered(ref) : simple(ref);
  if (Object.keys(memberTraits).length === 0) return own;
  // A member's own traits come first; the prototype keeps the getters of lazily resolved parts.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.create is untyped
  return Object.create(own, { traits: { value: { ...own.traits, ...memberTraits }, enumerable: true } }) as Shape;
}

function remembered(schema: readonly unknown[]): Shape {
  const known = shapes.get(schema);
  if (known !== undefined) return known;
  const shape = complex(schema);
  shapes.set(schema, shape);
  return shape;
}

function complex(schema: readonly unknown[]): Shape {
  const traits = traitsOf(schema[3]);
  switch (schema[0]) {
    case 0: return shapeOf(schema[4], traits);
    case 1: return lazily<'list'>({ kind: 'list', traits }, { item: () => shapeOf(schema[4]) });
    case 2: return lazily<'map'>({ kind: 'map', traits }, { key: () => shapeOf(schema[4]), value: () => shapeOf(schema[5]) });
    default: return lazily<'structure'>({ kind: 'structure', traits, name: String(schema[2]) }, { members: () => membersOf(schema) });
  }
}

function membersOf(schema: readonly unknown[]): Member[] {
  const names = Array.isArray(schema[4]) ? schema[4].map(String) : [];
  const refs: unknown[] = Array.isArray(schema[5]) ? schema[5] : [];
  const required = Number(schema[6] ?? 0);
  return names.map((name, index) => ({ name, required: index < required, shape: shapeOf(refs[index]) }));
}

function lazily<Kind extends 'list' | 'map' | 'structure'>(ready: object, later: Record<string, () => unknown>): Extract<Shape, { kind: Kind }> {
  for (const [name, resolve] of Object.entries(later)) {
    Object.defineProperty(ready, name, {
      configurable: true,
      enumerable: true,
      get() {
        const value = resolve();
        Object.defineProperty(ready, name, { value, enumerable: true });
        return value;
      },
    });
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the parts were just defined
  return ready as Extract<Shape, { kind: Kind }>;
}

function simple(ref: unknown): Shape {
  if (ref === 'unit') return { kind: 'unit', traits: {} };
  if (typeof ref !== 'number') throw new TypeError(`unknown schema reference ${String(ref)}`);
  if (ref >= MAP_BIT) return { kind: 'map', traits: {}, key: simple(0), value: simple(ref & ~MAP_BIT) };
  if (ref >= LIST_BIT) return { kind: 'list', traits: {}, item: simple(ref & ~LIST_BIT) };
  const known = SIMPLE[ref];
  if (known === undefined) throw new TypeError(`unknown simple schema ${ref}`);
  return { ...known, traits: {} };
}

function traitsOf(indicator: unknown): Traits {
  if (isRecord(indicator)) return indicator;
  const bits = Number(indicator ?? 0);
  return Object.fromEntries(TRAIT_BITS.filter((_, bit) => (bits >> bit) & 1).map((name) => [name, 1]));
}

function isThunk(ref: unknown): ref is () => unknown {
  return typeof ref === 'function';
}

function isStatic(ref: unknown): ref is readonly unknown[] {
  return Array.isArray(ref) && ref.length >= 5;
}

/** A plain object of unknown content. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text of a trait, e.g. `xmlName`, or nothing. */
export function traitText(traits: Traits, name: string): string | undefined {
  const value = traits[name];
  return typeof value === 'string' ? value : undefined;
}

/** A structure, as inputs and outputs of operations are unless they have none. */
export function isStructure(shape: Shape): shape is Structure {
  return shape.kind === 'structure';
}
