// Scalars as text, for XML, query and HTTP bindings. Source: Smithy's aws.protocols (restXml, awsQuery).
import type { Shape } from './schema.ts';

type TimeFormat = 'date-time' | 'http-date' | 'epoch-seconds';

/** Writes a scalar as text. `time` is the protocol's default format of timestamps. */
export function scalarToText(shape: Shape, value: unknown, time: TimeFormat = 'date-time'): string {
  if (value instanceof Date) return dateToText(value, formatOf(shape) ?? time);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (shape.kind === 'blob' && typeof value === 'string') return Buffer.from(value).toString('base64');
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return JSON.stringify(value);
}

/** Reads a scalar from text. A number that is none gives NaN, a date that is none an invalid Date. */
export function scalarFromText(shape: Shape, text: string): unknown {
  if (shape.kind === 'number') return text.trim() === '' ? Number.NaN : Number(text);
  if (shape.kind === 'boolean') return text.trim() === 'true';
  if (shape.kind === 'timestamp') return /^[0-9.]+$/.test(text) ? new Date(Number(text) * 1000) : new Date(text);
  if (shape.kind === 'blob') return Buffer.from(text, 'base64');
  return text;
}

function dateToText(date: Date, format: TimeFormat): string {
  if (format === 'http-date') return date.toUTCString();
  if (format === 'epoch-seconds') return String(date.getTime() / 1000);
  return date.toISOString();
}

function formatOf(shape: Shape): TimeFormat | undefined {
  return shape.kind === 'timestamp' ? shape.format : undefined;
}
