// The corpus of manifests with the verdict that each must get, from the check and from admission alike (D1, A4, G1).
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { KubernetesObject } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { type ManifestScope, manifestScope } from '../../domain/manifests/scope.ts';
import { makePlan } from '../../domain/plan.ts';
import { LIFECYCLES, type Lifecycle } from '../../domain/tiers.ts';
import { environment, versions } from './plans.ts';

const FOLDER = resolve(import.meta.dirname, '../corpus');

export interface CorpusFile {
  /** `ephemeral/ingress-base-name.yaml` */
  name: string;
  lifecycle: Lifecycle;
  text: string;
  /** `host-name 8:13`, one for each finding in the order of the text. */
  expected: string[];
}

/** The scope of build 21-11-26-01 of dev, or of dev's persistent platform. */
export function scopeOf(lifecycle: Lifecycle): ManifestScope {
  const { target } = makePlan({ operation: 'bootstrap', environment: environment(), lifecycle, buildId: lifecycle === 'ephemeral' ? '21-11-26-01' : null, versions: versions() });
  return manifestScope(target, versions().images);
}

/** The files of a folder of the corpus. Those of `files` never reach an API server: they are no documents, or none alone. */
export function corpus(folder: Lifecycle | 'files'): CorpusFile[] {
  return readdirSync(join(FOLDER, folder)).toSorted().map((file) => {
    const text = readFileSync(join(FOLDER, folder, file), 'utf8');
    const [, expected] = /^# expect: (.+)\n/.exec(text) ?? [];
    if (expected === undefined) throw new TypeError(`${file} does not begin with # expect: …`);
    return { name: `${folder}/${file}`, lifecycle: folder === 'files' ? 'ephemeral' : folder, text, expected: expected === 'nothing' ? [] : expected.split(', ') };
  });
}

/** Each object of the corpus that an API server can be asked about, by itself. */
export function corpusObjects(): { name: string; lifecycle: Lifecycle; object: KubernetesObject }[] {
  return LIFECYCLES.flatMap((lifecycle) => corpus(lifecycle)).flatMap(({ name, lifecycle, text }) =>
    parseAllDocuments(text).map((document, index) => ({ name: `${name} (${index + 1})`, lifecycle, object: document.toJS() as KubernetesObject })));
}
