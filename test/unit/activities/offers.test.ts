// What charts are told of the foundation is what AWS says just now (A3, F4, failure 36).
import { DBInstanceNotFoundFault, RDSClient } from '@aws-sdk/client-rds';
import { S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it, vi } from 'vitest';
import { readOffers } from '../../../activities/offers.ts';
import { databaseTags } from '../../../domain/databases.ts';
import { ACCOUNT } from '../../support/moto.ts';
import { environment } from '../../support/plans.ts';

const { databases, objectStorage } = environment();
const needs = { target: { environment: 'dev', region: 'eu-west-2', accountId: ACCOUNT }, databases, objectStorage };
const OWN = Object.entries(databaseTags('dev')).map(([Key, Value]) => ({ Key, Value }));

const buckets: object[] = [];
/** Clients whose calls give these answers. */
function clients(instance: () => object, region = 'eu-west-2') {
  const [rds, s3] = [new RDSClient({ region: 'eu-west-2' }), new S3Client({ region: 'eu-west-2' })];
  const asked = vi.fn<(service: string) => void>();
  Reflect.set(rds, 'send', async () => { asked('rds'); return { DBInstances: [instance()] }; });
  Reflect.set(s3, 'send', async (command: { input: object }) => { asked('s3'); buckets.push(command.input); return { BucketRegion: region }; });
  return { rds, s3, asked };
}

describe('readOffers', () => {
  it('F4: nothing is asked for a platform that declares neither, and neither is offered', async () => {
    const { asked, ...rest } = clients(() => ({}));
    expect(await readOffers(rest, { target: needs.target })).toEqual({ rdsAvailable: false, s3Available: false });
    expect(asked).not.toHaveBeenCalled();
  });

  it.each([
    ['it serves', { DBInstanceStatus: 'available', TagList: OWN }, true],
    ['it takes a backup', { DBInstanceStatus: 'backing-up', TagList: OWN }, true],
    ['it is stopped', { DBInstanceStatus: 'stopped', TagList: OWN }, false],
    ['it is another environment’s', { DBInstanceStatus: 'available', TagList: Object.entries(databaseTags('prod')).map(([Key, Value]) => ({ Key, Value })) }, false],
  ])('A3: a database is offered where %s: %j', async (_, instance, rdsAvailable) => {
    expect(await readOffers(clients(() => instance), needs)).toEqual({ rdsAvailable, s3Available: true });
    expect(buckets.at(-1)).toEqual({ Bucket: 'goldenpath-dev-loki', ExpectedBucketOwner: ACCOUNT }); // a stranger's bucket of that name is none
  });

  it('A3: no instance is no database; an answer that does not come is neither', async () => {
    const absent = clients(() => { throw new DBInstanceNotFoundFault({ message: 'none', $metadata: {} }); });
    expect(await readOffers(absent, needs)).toEqual({ rdsAvailable: false, s3Available: true });
    await expect(readOffers(clients(() => { throw new Error('no answer'); }), needs)).rejects.toThrow('no answer');
  });

  it('A3: a bucket in another region is none', async () => {
    expect(await readOffers(clients(() => ({ DBInstanceStatus: 'available', TagList: OWN }), 'us-east-1'), needs)).toEqual({ rdsAvailable: true, s3Available: false });
  });
});
