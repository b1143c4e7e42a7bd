// Parameters of the query protocol (`Tags.member.1.Key=…`) and of EC2's dialect of it (`Tag.1.Key=…`).
// Source: Smithy's awsQuery and ec2Query.
import { scalarFromText } from './scalar.ts';
import { traitText, type Shape } from './schema.ts';

/** A parameter tree: text where a name ends, further names below. */
interface Node {
  text?: string;
  children: Map<string, Node>;
}

/** Reads an operation's input from the decoded parameters. */
export function fromForm(shape: Shape, parameters: Iterable<[string, string]>, dialect: 'query' | 'ec2'): Record<string, unknown> {
  const root: Node = { children: new Map() };
  for (const [name, text] of parameters) {
    let node = root;
    for (const part of name.split('.')) {
      const child: Node = node.children.get(part) ?? { children: new Map() };
      node.children.set(part, child);
      node = child;
    }
    node.text = text;
  }
  return shape.kind === 'structure' ? readStructure(shape, root, dialect) : {};
}

function readStructure(shape: Extract<Shape, { kind: 'structure' }>, node: Node, dialect: 'query' | 'ec2') {
  const result: Record<string, unknown> = {};
  for (const member of shape.members) {
    const child = node.children.get(wireName(member.name, member.shape, dialect));
    if (child !== undefined) result[member.name] = read(member.shape, child, dialect);
  }
  return result;
}

function read(shape: Shape, node: Node, dialect: 'query' | 'ec2'): unknown {
  if (shape.kind === 'structure') return readStructure(shape, node, dialect);
  if (shape.kind === 'list') {
    const flat = dialect === 'ec2' || shape.traits['xmlFlattened'] !== undefined;
    const holder = flat ? node : node.children.get(traitText(shape.item.traits, 'xmlName') ?? 'member');
    return holder === undefined ? [] : numbered(holder).map((item) => read(shape.item, item, dialect));
  }
  if (shape.kind === 'map') {
    const holder = shape.traits['xmlFlattened'] !== undefined ? node : node.children.get('entry');
    const [keyName, valueName] = [traitText(shape.key.traits, 'xmlName') ?? 'key', traitText(shape.value.traits, 'xmlName') ?? 'value'];
    return Object.fromEntries((holder === undefined ? [] : numbered(holder)).map((entry) => {
      const value = entry.children.get(valueName);
      return [entry.children.get(keyName)?.text ?? '', value && read(shape.value, value, dialect)];
    }));
  }
  return scalarFromText(shape, node.text ?? '');
}

function numbered(node: Node): Node[] {
  return [...node.children]
    .filter(([name]) => /^[0-9]+$/.test(name))
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([, child]) => child);
}

function wireName(name: string, shape: Shape, dialect: 'query' | 'ec2'): string {
  const xmlName = traitText(shape.traits, 'xmlName');
  if (dialect === 'query') return xmlName ?? name;
  return traitText(shape.traits, 'ec2QueryName') ?? capitalised(xmlName ?? name);
}

function capitalised(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}
