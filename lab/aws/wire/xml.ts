// XML of rest-xml, query and ec2 in both directions, led by the SDK's schemas. Source: Smithy's XML binding traits.
import { XMLParser } from 'fast-xml-parser';
import { scalarFromText, scalarToText } from './scalar.ts';
import { isRecord, traitText, type Member, type Shape } from './schema.ts';

const parser = new XMLParser({
  ignoreAttributes: true,
  removeNSPrefix: true,
  parseTagValue: false,
  trimValues: false,
  htmlEntities: true,
  ignoreDeclaration: true,
});

/** Parses a document into its root's name and content. @throws Error when it is no XML */
export function parseXml(text: string): { root: string; content: unknown } {
  const parsed: unknown = parser.parse(text, true);
  const entry = isRecord(parsed) ? Object.entries(parsed).find(([name]) => name !== '#text') : undefined;
  if (entry === undefined) throw new Error('the document has no root element');
  return { root: entry[0], content: entry[1] };
}

/** Reads parsed XML as a shape gives it. */
export function fromXml(shape: Shape, node: unknown): unknown {
  if (shape.kind === 'structure') return structureFromXml(shape.members, node);
  if (shape.kind === 'list') return itemsOf(shape, node).map((item) => fromXml(shape.item, item));
  if (shape.kind === 'map') return mapFromXml(shape, node);
  return scalarFromText(shape, textOf(node));
}

/** Reads the members that are in the body (or all of a nested structure). */
export function structureFromXml(members: readonly Member[], node: unknown): Record<string, unknown> {
  const content = isRecord(node) ? node : {};
  const result: Record<string, unknown> = {};
  for (const { name, shape } of members) {
    const child = content[traitText(shape.traits, 'xmlName') ?? name];
    if (child !== undefined) result[name] = fromXml(shape, child);
  }
  return result;
}

/** Writes the members of a structure as elements. */
export function membersToXml(members: readonly Member[], value: object): string {
  let xml = '';
  const values: Record<string, unknown> = { ...value };
  for (const { name, shape } of members) {
    const member = values[name];
    if (member !== undefined && member !== null) xml += memberToXml(traitText(shape.traits, 'xmlName') ?? name, shape, member);
  }
  return xml;
}

/** An element with text, escaped. */
export function element(name: string, text: string): string {
  return `<${name}>${escapeXml(text)}</${name}>`;
}

function memberToXml(name: string, shape: Shape, value: unknown): string {
  if (shape.kind === 'structure') return `<${name}>${membersToXml(shape.members, isRecord(value) ? value : {})}</${name}>`;
  if (shape.kind === 'list') return listToXml(name, shape, Array.isArray(value) ? value : []);
  if (shape.kind === 'map') return mapToXml(name, shape, isRecord(value) ? value : {});
  return element(name, scalarToText(shape, value));
}

function listToXml(name: string, shape: Extract<Shape, { kind: 'list' }>, values: unknown[]): string {
  if (shape.traits['xmlFlattened'] !== undefined) return values.map((value) => memberToXml(name, shape.item, value)).join('');
  const itemName = traitText(shape.item.traits, 'xmlName') ?? 'member';
  return `<${name}>${values.map((value) => memberToXml(itemName, shape.item, value)).join('')}</${name}>`;
}

function mapToXml(name: string, shape: Extract<Shape, { kind: 'map' }>, values: Record<string, unknown>): string {
  const [keyName, valueName] = [traitText(shape.key.traits, 'xmlName') ?? 'key', traitText(shape.value.traits, 'xmlName') ?? 'value'];
  const entries = Object.entries(values).map(([key, value]) => element(keyName, key) + memberToXml(valueName, shape.value, value));
  return shape.traits['xmlFlattened'] !== undefined
    ? entries.map((entry) => `<${name}>${entry}</${name}>`).join('')
    : `<${name}>${entries.map((entry) => `<entry>${entry}</entry>`).join('')}</${name}>`;
}

function mapFromXml(shape: Extract<Shape, { kind: 'map' }>, node: unknown): Record<string, unknown> {
  const flat = shape.traits['xmlFlattened'] !== undefined;
  const entries = asArray(flat ? node : isRecord(node) ? node['entry'] : undefined);
  const [keyName, valueName] = [traitText(shape.key.traits, 'xmlName') ?? 'key', traitText(shape.value.traits, 'xmlName') ?? 'value'];
  return Object.fromEntries(
    entries.filter(isRecord).map((entry) => [textOf(entry[keyName]), fromXml(shape.value, entry[valueName])]),
  );
}

function itemsOf(shape: Extract<Shape, { kind: 'list' }>, node: unknown): unknown[] {
  if (shape.traits['xmlFlattened'] !== undefined) return asArray(node);
  return isRecord(node) ? asArray(node[traitText(shape.item.traits, 'xmlName') ?? 'member']) : [];
}

function asArray(node: unknown): unknown[] {
  if (node === undefined) return [];
  return Array.isArray(node) ? node : [node];
}

function textOf(node: unknown): string {
  if (isRecord(node)) return typeof node['#text'] === 'string' ? node['#text'] : '';
  return typeof node === 'string' ? node : '';
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;', '\r': '&#xD;' };

function escapeXml(text: string): string {
  return text.replace(/[&<>"'\r]/g, (character) => ESCAPES[character] ?? character);
}
