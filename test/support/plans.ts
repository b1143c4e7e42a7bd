// Plans for tests, made from the repository's own environment files.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { type Environment, environmentSchema } from '../../domain/environment.ts';
import { makePlan, type Plan } from '../../domain/plan.ts';
import type { Operation } from '../../domain/stages.ts';
import { type Versions, versionsSchema } from '../../domain/versions.ts';

const directory = path.resolve(import.meta.dirname, '../../environments');
const read = (file: string): unknown => parse(readFileSync(path.join(directory, file), 'utf8'));

export function environment(name = 'dev', changes: Partial<Environment> = {}): Environment {
  return { ...environmentSchema.parse(read(`${name}.yaml`)), ...changes };
}

export function versions(): Versions {
  return versionsSchema.parse(read('versions.yaml'));
}

export function ephemeralPlan(operation: Operation = 'bootstrap', buildId = '21-11-26-01', changes: Partial<Environment> = {}): Plan {
  return makePlan({ operation, environment: environment('dev', changes), lifecycle: 'ephemeral', buildId, versions: versions() });
}

export function persistentPlan(operation: Operation = 'bootstrap', changes: Partial<Environment> = {}): Plan {
  return makePlan({ operation, environment: environment('dev', changes), lifecycle: 'persistent', buildId: null, versions: versions() });
}
