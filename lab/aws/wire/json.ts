// JSON of rest-json and json in both directions, led by the SDK's schemas: timestamps are epoch seconds, blobs base64.
import { scalarToText } from './scalar.ts';
import { isRecord, traitText, type Member, type Shape } from './schema.ts';

/** Reads parsed JSON as a shape gives it; null counts as absent. */
export function fromJson(shape: Shape, value: unknown): unknown {
  if (shape.kind === 'structure') return structureFromJson(shape.members, value);
  if (shape.kind === 'list') return Array.isArray(value) ? value.map((item) => fromJson(shape.item, item)) : value;
  if (shape.kind === 'map') return isRecord(value) ? mapValues(value, (item) => fromJson(shape.value, item)) : value;
  if (shape.kind === 'timestamp') return typeof value === 'number' ? new Date(value * 1000) : new Date(String(value));
  if (shape.kind === 'blob') return typeof value === 'string' ? Buffer.from(value, 'base64') : value;
  return value;
}

/** Reads the members that are in the body (or all of a nested structure). */
export function structureFromJson(members: readonly Member[], value: unknown): Record<string, unknown> {
  const content = isRecord(value) ? value : {};
  const result: Record<string, unknown> = {};
  for (const { name, shape } of members) {
    const member = content[traitText(shape.traits, 'jsonName') ?? name];
    if (member !== undefined && member !== null) result[name] = fromJson(shape, member);
  }
  return result;
}

/** Gives the members of a structure as plain JSON values. */
export function membersToJson(members: readonly Member[], value: object): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const values: Record<string, unknown> = { ...value };
  for (const { name, shape } of members) {
    const member = values[name];
    if (member !== undefined && member !== null) result[traitText(shape.traits, 'jsonName') ?? name] = toJson(shape, member);
  }
  return result;
}

function toJson(shape: Shape, value: unknown): unknown {
  if (value instanceof Date) {
    return shape.kind === 'timestamp' && shape.format !== undefined && shape.format !== 'epoch-seconds'
      ? scalarToText(shape, value)
      : value.getTime() / 1000;
  }
  if (value instanceof Uint8Array) return scalarToText(shape, value);
  if (shape.kind === 'structure' && isRecord(value)) return membersToJson(shape.members, value);
  if (shape.kind === 'list' && Array.isArray(value)) return value.map((item) => toJson(shape.item, item));
  if (shape.kind === 'map' && isRecord(value)) return mapValues(value, (item) => toJson(shape.value, item));
  return value;
}

function mapValues(value: Record<string, unknown>, change: (item: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(item)]));
}
