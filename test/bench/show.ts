// How a bench prints what it measured.
import type { RunReport } from '../../domain/report.ts';

/** One measured value, with what is aimed at. */
export function line(label: string, value: string, goal = ''): void {
  process.stdout.write(`  ${label.padEnd(44)} ${value.padStart(12)}  ${goal}\n`);
}

export const seconds = (value: number): string => `${value.toFixed(1)} s`;

/** When the stage ended, in milliseconds; NaN where it did not. */
export function stageEnd({ stages }: RunReport, id: string): number {
  return stages.find((stage) => stage.id === id)?.endedAt ?? Number.NaN;
}
