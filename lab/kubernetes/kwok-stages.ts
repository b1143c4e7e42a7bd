// kwok's upstream stages with one addition: pods that run as real processes are not kwok's.
import { readFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { IMAGES_WITH_A_PROGRAM } from './programs.ts';

const expression = z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()).optional() });
const stage = z.looseObject({
  kind: z.literal('Stage'),
  spec: z.looseObject({
    resourceRef: z.object({ apiGroup: z.string(), kind: z.string() }),
    selector: z.looseObject({ matchExpressions: z.array(expression) }),
  }),
});

/** True for pods that no container of which has a program in the lab. kwok reads `key` as a jq expression. */
const NOT_A_PROCESS = {
  key: IMAGES_WITH_A_PROGRAM,
  operator: 'DoesNotExist',
};

/** Text of kwok's configuration from upstream's stage files, each with one Stage. */
export async function kwokStages(files: readonly string[]): Promise<string> {
  const stages = await Promise.all(files.map(async (file) => withoutProcesses(await readFile(file, 'utf8'))));
  return stages.join('---\n');
}

/** One upstream stage; a stage of pods gets the further condition. Throws ZodError where upstream changed its form. */
export function withoutProcesses(text: string): string {
  const found = stage.parse(parse(text));
  if (found.spec.resourceRef.kind === 'Pod') found.spec.selector.matchExpressions.push(NOT_A_PROCESS);
  return stringify(found, { lineWidth: 0 });
}
