// Everything that a lab's runs left for people to read: histories, logs, what was asked of AWS, what lies in the registry. A secret must be in none of it (R2).
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reachOf } from './account.ts';
import type { TestLab } from './lab.ts';

const BUCKET = 'goldenpath-dev-registry';

/** Each text with where it was found. The logs are those of every process of the lab, pods among them. */
export async function toldBy(lab: TestLab): Promise<{ where: string; text: string }[]> {
  return [...(await histories(lab)), ...(await logsOf(lab)), ...(await registry(lab)), { where: 'what was asked of AWS', text: JSON.stringify(await lab.requests()) }];
}

async function histories({ temporal }: TestLab): Promise<{ where: string; text: string }[]> {
  const found: { where: string; text: string }[] = [];
  for await (const { workflowId, runId } of temporal.workflow.list()) {
    const history = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    // As JSON a payload's bytes are base64, in which no secret would be found.
    found.push({ where: `history of ${workflowId}`, text: JSON.stringify(history, (key, value: unknown) => (key === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : value)) });
  }
  return found;
}

/** Those of a cluster's pods go with the cluster. */
export async function logsOf({ status: { folder } }: TestLab): Promise<{ where: string; text: string }[]> {
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.log'));
  return Promise.all(files.map(async (file) => ({ where: file, text: await readFile(join(folder, file), 'utf8') })));
}

async function registry({ env }: TestLab): Promise<{ where: string; text: string }[]> {
  const s3 = new S3Client({ ...reachOf(env), forcePathStyle: true });
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET }));
  return Promise.all(Contents.map(async ({ Key = '' }) => ({ where: `s3://${BUCKET}/${Key}`, text: (await (await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }))).Body?.transformToString()) ?? '' })));
}
