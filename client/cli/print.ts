// The one module that prints: data on stdout, messages on stderr, colour and animation only for a person at a terminal (issue 3 § 8).
import { styleText } from 'node:util';

/** `sarif`: of `check` alone. */
export type Format = 'text' | 'json' | 'sarif';
export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';
export type Paint = (style: Style, text: string) => string;

export interface Printer {
  format: Format;
  /** Whether stderr is a terminal that can redraw its lines. */
  live: boolean;
  /** Styles for data on stdout. */
  paint: Paint;
  /** Styles for messages on stderr. */
  paintMessage: Paint;
  /** Data: lines of text on stdout. */
  data(...lines: string[]): void;
  /** Data: one JSON document on stdout. */
  document(value: unknown): void;
  /** Data: one line of NDJSON on stdout. */
  line(value: unknown): void;
  /** Messages: lines on stderr. */
  message(...lines: string[]): void;
}

type Stream = Pick<NodeJS.WriteStream, 'write'> & { isTTY?: boolean; columns?: number };

/** A terminal that is narrower, or does not tell its width, gets plain lines. */
const MIN_COLUMNS = 40;

/** A printer for these streams. NO_COLOR (https://no-color.org) and TERM=dumb turn colour off; CI and TERM=dumb turn animation off. */
export function createPrinter({ stdout, stderr }: { stdout: Stream; stderr: Stream }, env: NodeJS.ProcessEnv, format: Format): Printer {
  const set = (name: string) => env[name] !== undefined && env[name] !== '';
  const painter = (stream: Stream): Paint => (stream.isTTY === true && !set('NO_COLOR') && env['TERM'] !== 'dumb' ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text);
  const write = (stream: Stream, lines: string[]) => { for (const line of lines) stream.write(`${line}\n`); };
  return {
    format,
    live: stderr.isTTY === true && (stderr.columns ?? 0) >= MIN_COLUMNS && env['TERM'] !== 'dumb' && !set('CI'),
    paint: painter(stdout),
    paintMessage: painter(stderr),
    data: (...lines) => { write(stdout, lines); },
    document: (value) => { write(stdout, [JSON.stringify(value, null, 2)]); },
    line: (value) => { write(stdout, [JSON.stringify(value)]); },
    message: (...lines) => { write(stderr, lines); },
  };
}
