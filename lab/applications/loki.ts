// Stands in for Loki: `/ready` once its bucket answers the role of its service account (T3). Gaps: README.md.
import { readFileSync } from 'node:fs';
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { parse } from 'yaml';
import { z } from 'zod';
import { portsOf, serve, variable } from './server.ts';

const [port = 0] = portsOf(process.argv);
const file = process.argv.find((argument) => argument.startsWith('-config.file='))?.slice('-config.file='.length) ?? '';
const configuration = z.looseObject({ common: z.looseObject({ storage: z.looseObject({ s3: z.looseObject({ bucketnames: z.string(), region: z.string() }) }) }) });
const { bucketnames: Bucket, region } = configuration.parse(parse(readFileSync(file, 'utf8'))).common.storage.s3;
const s3 = new S3Client({ region, endpoint: variable('AWS_ENDPOINT_URL'), forcePathStyle: true });

serve(port, async ({ path }) => {
  if (path !== '/ready') return { status: 404 };
  try {
    await s3.send(new HeadBucketCommand({ Bucket }));
    return { status: 200, body: 'ready' };
  } catch (error) {
    // Whatever keeps the bucket from answering is why Loki is not ready.
    const problem = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    process.stderr.write(`bucket ${Bucket}: ${problem}\n`);
    return { status: 503, body: `Ingester not ready: ${problem}` };
  }
});
