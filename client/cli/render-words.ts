// Small forms that all texts for people share: durations, rows, tables. Pure.
import type { Paint } from './print.ts';

/** `9.2 s`, `3 min 05 s`, `1 h 02 min`. */
export function duration(ms: number): string {
  if (ms < 60_000) return `${(Math.max(0, ms) / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return seconds < 3_600 ? `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s` : `${Math.floor(seconds / 3_600)} h ${two((seconds % 3_600) / 60)} min`;
}

function two(value: number): string {
  return String(Math.floor(value)).padStart(2, '0');
}

/** `1 line`, `2 lines`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** A name and its value, the values below each other. */
export function row(name: string, value: string): string {
  return `  ${name.padEnd(14)}${value}`;
}

/** A table with a header, each column as wide as its widest cell. */
export function tableLines(header: readonly string[], rows: readonly (readonly string[])[], paint: Paint): string[] {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd();
  return [paint('bold', line(header)), ...rows.map((cells) => line(cells))];
}
