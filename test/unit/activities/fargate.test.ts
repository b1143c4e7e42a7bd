// Fargate profiles go one after the other (failure 26). The lab has none, so EKS is played by a server that answers its paths.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EKSClient } from '@aws-sdk/client-eks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeActivities } from '../../../activities/eks-nodes.ts';
import { createClients } from '../../../activities/clients.ts';
import { inActivity } from '../../support/in-activity.ts';
import { memoryS3 } from '../../support/memory-s3.ts';
import { permitted } from '../../support/permits.ts';
import { ephemeralPlan } from '../../support/plans.ts';

const plan = ephemeralPlan('teardown');
const { target } = plan;
const permit = () => permitted(plan);

let server: Server;
let profiles: Map<string, string>;
let deletions: string[];
let activities: ReturnType<typeof nodeActivities>;

beforeEach(async () => {
  profiles = new Map([['one', 'ACTIVE'], ['two', 'ACTIVE']]);
  deletions = [];
  const answer = (method: string, path: string): unknown => {
    const [, , , kind, name] = path.split('/');
    if (kind === undefined) return { cluster: { name: target.cluster, status: 'ACTIVE', tags: target.tags } };
    if (kind === 'node-groups') return { nodegroups: [] };
    if (name === undefined) return { fargateProfileNames: [...profiles.keys()] };
    if (method === 'DELETE') {
      deletions.push(name);
      profiles.set(name, 'DELETING');
    }
    return { fargateProfile: { fargateProfileName: name, status: profiles.get(name) } };
  };
  server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer(request.method ?? '', new URL(request.url ?? '/', 'http://x').pathname)));
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  const eks = new EKSClient({ region: target.region, endpoint: `http://127.0.0.1:${port}`, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
  activities = inActivity(nodeActivities({ ...createClients(target.region), eks, s3: memoryS3().client }));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => { server.close(resolve); });
});

describe('startDeleteNodeGroups', () => {
  it('failure 26: starts one profile, waits while it goes, then the next', async () => {
    await expect(activities.startDeleteNodeGroups(permit())).rejects.toMatchObject({ type: 'NotReady', message: 'Fargate profiles are deleted one at a time; waiting: two' });
    await expect(activities.startDeleteNodeGroups(permit())).rejects.toMatchObject({ type: 'NotReady', message: 'Fargate profiles are deleted one at a time; waiting: two' });
    expect(deletions).toEqual(['one']);
    profiles.delete('one');
    await expect(activities.startDeleteNodeGroups(permit())).resolves.toEqual(['Fargate profile two']);
    await expect(activities.startDeleteNodeGroups(permit())).resolves.toEqual([]);
    expect(deletions).toEqual(['one', 'two']);
  });

  it('failure 26: a profile that could not be deleted ends the wait with its name', async () => {
    profiles.set('one', 'DELETE_FAILED');
    await expect(activities.startDeleteNodeGroups(permit())).rejects.toMatchObject({ type: 'TerminalState', message: 'Fargate profile one is DELETE_FAILED' });
    expect(deletions).toEqual([]);
  });
});
