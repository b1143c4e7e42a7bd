// Documents as tests read them: the shell commands they tell people to type, and the messages they quote from the sources.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const REPOSITORY = resolve(import.meta.dirname, '../..');
/** Where a person's words come from: everything that prints, logs or throws. */
const SOURCES = '{domain,workflows,activities,workers,client}/**/*.ts';

export interface Document {
  /** Below the repository. */
  path: string;
  text: string;
}

/** The files of a pattern below the repository, in order. */
export function filesOf(pattern: string): Document[] {
  return globSync(pattern, { cwd: REPOSITORY }).toSorted().map((path) => ({ path, text: readFileSync(join(REPOSITORY, path), 'utf8') }));
}

/** The shell text of a page: fences marked `sh` and indented blocks, without their indentation. */
function shellOf(markdown: string): string[] {
  const lines: string[] = [];
  let fence: string | undefined;
  for (const line of markdown.split('\n')) {
    const mark = /^ *```(\w*)/.exec(line);
    if (mark !== null) fence = fence === undefined ? mark[1] : undefined;
    else if (fence === 'sh' || (fence === undefined && /^ {4}\S/.test(line))) lines.push(line.trim());
  }
  return lines;
}

/** Every command of a page that is one of `goldenpath`, as the words after that name. */
export function goldenpathCommands(markdown: string): string[][] {
  const spans = shellOf(markdown).join('\n');
  return shellCommands(spans).flatMap((words) => {
    const own = words.slice(words.findIndex((word) => !/^[A-Z_]+=/.test(word)));
    const start = own[0] === 'npx' ? 1 : 0;
    return own[start] === 'goldenpath' ? [own.slice(start + 1)] : [];
  });
}

/** What separates commands, and what sends their output elsewhere together with where to. */
const SEPARATOR = /^(?:\|\||&&|[|;&\n])/;
const REDIRECTION = /^\d?(?:>>|>|<) *[^\s|;&]+/;

/** The words of every command in shell text, those of `$(…)` as commands of their own. Knows quotes, comments, continued lines; nothing cleverer. */
export function shellCommands(text: string): string[][] {
  const commands: string[][] = [[]];
  let word: string | undefined;
  let quote = '';
  const endWord = () => {
    if (word !== undefined) commands.at(-1)?.push(word);
    word = undefined;
  };
  for (let rest = text.replaceAll('\\\n', ''); rest !== ''; ) {
    const character = rest.charAt(0);
    const inner = quote === "'" ? undefined : substitution(rest);
    const [separator] = quote === '' ? (SEPARATOR.exec(rest) ?? []) : [];
    const [skipped] = quote === '' && word === undefined ? (REDIRECTION.exec(rest) ?? /^#[^\n]*/.exec(rest) ?? []) : [];
    if (inner !== undefined) {
      commands.unshift(...shellCommands(inner));
      word = `${word ?? ''}$(…)`;
    } else if (separator !== undefined) {
      endWord();
      commands.push([]);
    } else if (skipped === undefined) {
      if (quote === '' && /\s/.test(character)) endWord();
      else if (character === quote) quote = '';
      else if (quote === '' && /["']/.test(character)) [quote, word] = [character, word ?? ''];
      else word = `${word ?? ''}${character}`;
    }
    rest = rest.slice(inner === undefined ? (separator ?? skipped ?? character).length : inner.length + 3);
  }
  endWord();
  return commands.filter((words) => words.length > 0);
}

/** What stands between `$(` and its `)` at the beginning of the text, or undefined where there is none. */
function substitution(text: string): string | undefined {
  if (!text.startsWith('$(')) return undefined;
  let depth = 1;
  for (let at = 2; at < text.length; at += 1) {
    depth += text.charAt(at) === '(' ? 1 : text.charAt(at) === ')' ? -1 : 0;
    if (depth === 0) return text.slice(2, at);
  }
  throw new TypeError(`no end of $( in ${text.slice(0, 40)}`);
}

/** The messages that a page says people see: lines ``> sees: `words` ``, where `…` stands for what differs from case to case. */
export function quotedMessages(markdown: string): string[] {
  return markdown.split('\n').flatMap((line) => {
    const [, , words] = /^> sees: (`+)(.+)\1$/.exec(line) ?? [];
    if (words === undefined && line.startsWith('> sees')) throw new TypeError(`not a quoted message: ${line}`);
    return words === undefined ? [] : [words.trim()];
  });
}

/** Links of a page that lead nowhere: to a file that is not there, or to a heading that its page has not. */
export function deadLinks({ path, text }: Document): string[] {
  return [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].flatMap(([, file = '', anchor]) => {
    const target = file === '' ? join(REPOSITORY, path) : resolve(REPOSITORY, dirname(path), file);
    const isThere = existsSync(target) && (anchor === undefined || headingsOf(readFileSync(target, 'utf8')).includes(anchor));
    return isThere ? [] : [anchor === undefined ? file : `${file}#${anchor}`];
  });
}

/** Headings as anchors, in the way of GitHub. */
function headingsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-'));
}

/** The lines of the sources that hold code. */
export function codeLines(): string[] {
  return filesOf(SOURCES).flatMap(({ text }) => text.split('\n').map((line) => line.trim()).filter((line) => !/^(?:\/\/|\/?\*)/.test(line)));
}

/** Whether one of the lines prints the message: its words in their order, and something computed wherever it has `…`. */
export function isPrinted(message: string, lines: readonly string[]): boolean {
  const parts = message.split('…').map((part) => part.trim()).filter((part) => part !== '');
  if (Math.max(...parts.map(({ length }) => length)) < 8) return false; // too little to be a quotation
  return lines.some((line) => holds(line.replaceAll(/\\([`'])/g, '$1'), parts));
}

function holds(line: string, [part = '', ...rest]: readonly string[], after?: number): boolean {
  for (let at = line.indexOf(part, after); at !== -1; at = line.indexOf(part, at + 1)) {
    const computed = after === undefined || /\$\{|…/.test(line.slice(after, at));
    if (computed && (rest.length === 0 || holds(line, rest, at + part.length))) return true;
  }
  return false;
}
