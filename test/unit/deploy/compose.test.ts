import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { searchAttribute } from '../../../workflows/messages.ts';

const root = resolve(import.meta.dirname, '../../..');
const compose = z
  .object({ services: z.record(z.string(), z.object({ image: z.string(), build: z.unknown().optional(), ports: z.array(z.string()).optional() })) })
  .parse(parse(await readFile(resolve(root, 'docker-compose.yml'), 'utf8')));

describe('docker-compose.yml', () => {
  it('G1: every port is on loopback', () => {
    const ports = Object.values(compose.services).flatMap((service) => service.ports ?? []);
    expect(ports).toHaveLength(3);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('G1: every image that is not built here has a pinned tag', () => {
    const foreign = Object.values(compose.services).filter(({ build }) => build === undefined).map(({ image }) => image);
    expect(foreign).toHaveLength(5);
    expect(foreign.filter((image) => !/:\d+(\.\d+)+$/.test(image))).toEqual([]);
  });
});

describe('deploy/temporal/create-namespace.sh', () => {
  it('U1: it registers exactly the search attributes of the workflows', async () => {
    const script = await readFile(resolve(root, 'deploy/temporal/create-namespace.sh'), 'utf8');
    const listed = /^attributes="(.*)"$/m.exec(script)?.[1]?.split(' ');
    expect(listed).toEqual(Object.values(searchAttribute).map(({ name }) => name));
  });
});
