// One text of Kubernetes manifests held against a platform's rules: what each document breaks, by line and column (D1, A1).
import { basename } from 'node:path';
import { type Document, isAlias, isCollection, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, visit } from 'yaml';
import { fieldOf } from '../domain/manifests/places.ts';
import { type Breach, breach, breaches, itemsOf } from '../domain/manifests/rules.ts';
import type { ManifestScope } from '../domain/manifests/scope.ts';

export interface ManifestFinding extends Omit<Breach, 'path'> {
  /** As a person would type it; `-` for stdin. */
  file: string;
  /** From 1, as editors count. */
  line: number;
  column: number;
  /** `Ingress shop/web`; absent where the document is no object. */
  object?: string;
}

export interface ManifestReport {
  files: number;
  objects: number;
  findings: ManifestFinding[];
}

const READABLE = 'rendered manifests in YAML or JSON';
const TEMPLATE = 'is a Helm template, not a rendered manifest';
const RENDER = 'render it first and check the result: helm template <release> <chart> | goldenpath check -';
/** What only a chart's template says: a value in quotes is YAML all the same. */
const TEMPLATED = /\{\{-?\s*(\.Values|\.Release|\.Chart|include|template|\$)/;
const NO_METADATA = 'metadata.yaml';

/** What Kubernetes' YAML parser ends a line at, and the one that reads here does not: behind it a comment could hide a field. Source: go-yaml v2, yamlprivateh.go, `is_break` */
const HIDDEN_BREAK = /\r(?!\n)|[\u0085\u2028\u2029]/g;

/** Checks the documents of one file; `file` is the name that findings carry. */
export function checkText(file: string, text: string, scope: ManifestScope): ManifestReport {
  const lines = new LineCounter();
  // Merge keys as Kubernetes reads them, or `<<` could hide a field.
  const documents = [...parseAllDocuments(text, { lineCounter: lines, merge: true })];
  const report: ManifestReport = { files: 1, objects: 0, findings: basename(file) === NO_METADATA ? [atStart(file, breach('no-metadata-file', [], NO_METADATA, 'is no name for a manifest', 'any other name'))] : [] };
  for (const { index } of text.matchAll(HIDDEN_BREAK)) {
    const { line, col } = lines.linePos(index);
    report.findings.push(placedAt(file, noData('ends a line with another character than a line feed: Kubernetes would read another document here than this check', 'write line feeds; in a text, the escape'), { line, column: col }));
  }
  for (const document of documents) {
    const placed = (found: Breach, offset: number, object?: string) => {
      const { line, col } = lines.linePos(offset);
      report.findings.push(placedAt(file, found, { line, column: col }, object));
    };
    const plain = read(document, text);
    if ('found' in plain) { placed(plain.found, plain.offset); continue; }
    const { object } = plain;
    if (object === null || object === undefined) continue;
    const items = itemsOf(object);
    report.objects += items?.length ?? 1;
    for (const found of breaches(object, scope)) placed(TEMPLATED.test(found.given) ? { ...found, fix: RENDER } : found, offsetOf(document, found.path), nameOf(items === undefined ? object : items[Number(found.path[1])]));
  }
  report.findings.sort((a, b) => a.line - b.line || a.column - b.column);
  return report;
}

/** The one finding of a folder that is a chart, or of a file of Jsonnet. */
export function unrenderedReport(file: string, kind: 'chart' | 'jsonnet'): ManifestReport {
  const [problem, fix] = kind === 'chart' ? ['is a Helm chart, whose templates are no manifests until they are rendered', RENDER] : ['is Jsonnet, and no manifest until it is rendered', 'render it first and check the result: jsonnet <file> | goldenpath check -'];
  return { files: 1, objects: 0, findings: [atStart(file, { ...breach('kubernetes-document', [], '', problem, READABLE), fix })] };
}

function atStart(file: string, found: Breach): ManifestFinding {
  return placedAt(file, found, { line: 1, column: 1 });
}

function placedAt(file: string, { rule, given, problem, allowed, fix }: Breach, { line, column }: { line: number; column: number }, object?: string): ManifestFinding {
  return { rule, file, line, column, ...(object === undefined ? {} : { object }), given, problem, allowed, fix };
}

/** A document as plain data, or why it is none and where: what YAML refuses, and what a template leaves that happens to be YAML. */
function read(document: Document, text: string): { object: unknown } | { found: Breach; offset: number } {
  const [error] = [...document.errors, ...document.warnings]; // an unknown tag is only a warning, and not meant
  if (error !== undefined) {
    const said = error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? '';
    return { found: text.includes('{{') ? noData(`${TEMPLATE}: ${said}`, RENDER) : noData(`is not YAML: ${said}`, 'correct the YAML'), offset: error.pos[0] };
  }
  const offset = complexKey(document);
  if (offset !== undefined) return { found: noData(TEMPLATE, RENDER), offset };
  try {
    return { object: document.toJS() };
  } catch (thrown) {
    if (!(thrown instanceof ReferenceError)) throw thrown; // an alias of nothing, of itself, or of far too much
    return { found: noData(`is not YAML: ${thrown.message}`, 'write out what the alias stands for'), offset: 0 };
  }
}

function noData(problem: string, fix: string): Breach {
  return { ...breach('kubernetes-document', [], '', problem, READABLE), fix };
}

/** Where a mapping has a collection for a key, as `{{ … }}` without quotes reads; no Kubernetes object can. */
function complexKey(document: Document): number | undefined {
  let offset: number | undefined;
  visit(document, {
    Pair(_, { key }) {
      if (!isCollection(key)) return undefined;
      offset = key.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}

/** Where the value at a path begins in the text; where it is missing, the nearest thing around it that is there. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const key of path) {
    const inner = childOf(isAlias(node) ? (node.resolve(document) ?? null) : node, key);
    if (inner === undefined) return offset;
    offset = inner.offset;
    node = inner.node;
  }
  return offset;
}

function childOf(node: Node | null, key: string | number): { node: Node | null; offset: number } | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(key)];
    return isNode(item) ? { node: item, offset: item.range?.[0] ?? 0 } : undefined;
  }
  const pair = isMap(node) ? node.items.find((each) => isScalar(each.key) && String(each.key.value) === String(key)) : undefined;
  if (pair === undefined) return undefined;
  const value = isNode(pair.value) ? pair.value : null;
  return { node: value, offset: value?.range?.[0] ?? (isNode(pair.key) ? (pair.key.range?.[0] ?? 0) : 0) };
}

/** `Ingress shop/web`: how people read an object's address. */
function nameOf(object: unknown): string | undefined {
  const [kind, metadata] = [fieldOf(object, 'kind'), fieldOf(object, 'metadata')];
  const [name, namespace] = [fieldOf(metadata, 'name') ?? fieldOf(metadata, 'generateName'), fieldOf(metadata, 'namespace')];
  if (typeof kind !== 'string') return undefined;
  return typeof name === 'string' ? `${kind} ${typeof namespace === 'string' ? `${namespace}/` : ''}${name}` : kind;
}
