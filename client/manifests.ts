// Files and folders of Kubernetes manifests held against a platform's rules (D1, A1).
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { ManifestScope } from '../domain/manifests/scope.ts';
import { isUnreadable, readGiven, shownPath } from './files.ts';
import { checkText, type ManifestReport, unrenderedReport } from './manifest-text.ts';
import { allOf, InputRefused } from './problems.ts';

/** What a folder is searched for: the files that Argo CD takes for manifests. */
const MANIFESTS = new Set(['.yaml', '.yml', '.json', '.jsonnet']);
/** Files that are read at once. */
const AT_ONCE = 64;
const CHART = 'Chart.yaml';
const JSONNET = '.jsonnet';
const PATH = { field: '<path>', allowed: 'files and folders of rendered manifests, or - for stdin', fix: 'name what is to be checked' };

/** Checks files, folders with all below them, and stdin (`-`). Throws InputRefused with every path that cannot be read or holds no manifest, and where there is no object in any. */
export async function checkManifests(paths: readonly string[], scope: ManifestScope): Promise<ManifestReport> {
  const files = [...new Set((await allOf(...paths.map((path) => () => manifestsUnder(path)))).flat())];
  const report: ManifestReport = { files: files.length, objects: 0, findings: [] };
  for (let next = 0; next < files.length; next += AT_ONCE) {
    const group = await Promise.all(files.slice(next, next + AT_ONCE).map(async (file) => ({ file, text: isUnrendered(file) ? undefined : await readGiven(file, PATH) })));
    for (const { file, text } of group) {
      const { objects, findings } = text === undefined ? unrenderedReport(shownPath(file), basename(file) === CHART ? 'chart' : 'jsonnet') : checkText(file === '-' ? file : shownPath(file), text, scope);
      report.objects += objects;
      report.findings.push(...findings);
    }
  }
  // A pipe whose first half failed gives nothing: that is no clean result.
  if (report.objects === 0 && report.findings.length === 0) throw new InputRefused([{ ...PATH, given: paths.join(' '), problem: 'holds no object at all', fix: 'see that what renders the manifests did so' }]);
  return report;
}

/** What Argo CD would render, and nobody has. */
function isUnrendered(file: string): boolean {
  return basename(file) === CHART || extname(file) === JSONNET;
}

async function manifestsUnder(path: string): Promise<string[]> {
  if (path === '-' || !(await isFolder(path))) return [path];
  const found = await walk(path);
  if (found.length === 0) throw new InputRefused([{ ...PATH, given: path, problem: 'holds no manifest: no .yaml, .yml, .json or .jsonnet file' }]);
  return found;
}

/**
 * Sorted; hidden folders and links are looked into as Argo CD does, but git's own, and never round in a circle: `above` are the folders on the way here. A folder with a chart is the
 * chart alone: its templates are no manifests until they are rendered.
 */
async function walk(folder: string, above: readonly string[] = []): Promise<string[]> {
  const real = await realpath(folder);
  if (above.includes(real)) return [];
  const entries = (await readdir(folder, { withFileTypes: true })).filter(({ name }) => name !== '.git').toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (entries.some(({ name }) => name === CHART)) return [join(folder, CHART)];
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(path)))) found.push(...(await walk(path, [...above, real])));
    else if (MANIFESTS.has(extname(entry.name))) found.push(path);
  }
  return found;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    throw new InputRefused([{ ...PATH, given: path, problem: `cannot be read (${error.code})` }]);
  }
}
