// What a platform's life leaves outside Temporal, told so that two platforms' ends can be compared word for word (issue 4 § Faults; X4, B2, O2).
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import type { AuditEntry } from '../../domain/audit.ts';
import { hashOf } from '../../domain/hash.ts';
import type { Receipt, RunReport } from '../../domain/report.ts';
import { accountOf, reachOf } from '../support/account.ts';
import { documentOf, type TestLab } from '../support/lab.ts';

/** The platform of a run, as the lab knows it. */
export interface Platform {
  buildId: string;
  cluster: string;
  workflowId: string;
}

export type Outside = Record<string, string[]>;

export function platformOf(buildId: string): Platform {
  const cluster = `goldenpath-dev-eks-${buildId}`;
  return { buildId, cluster, workflowId: `platform/dev/${cluster}` };
}

/** The account as it is, foreign things with their tags, what runs in the lab, and what the teardown told and wrote, without its times and ids. */
export async function outsideOf(lab: TestLab, platform: Platform, ended: { exit: number | null; report: RunReport }): Promise<Outside> {
  const { exit, report } = ended;
  const account = await accountOf(reachOf(lab.env));
  const { processes } = documentOf(await lab.cli(['lab', 'status', '-o', 'json'])) as { processes: { name: string }[] };
  const open = (await lab.temporal.workflow.count(`ExecutionStatus = 'Running'`)).count;
  return {
    ...account,
    processes: processes.map(({ name }) => name).toSorted(),
    'the run': [`exit ${exit}`, `state ${report.state}${report.waiting === undefined ? '' : ` at ${report.waiting.stage}: ${report.waiting.reason}`}`, `${report.residue.length} left`, ...report.stages.map(({ id, status }) => `${id} ${status}`), `${report.decisions.length} decisions`, `${report.refusals.length} refusals`, `${open} runs in flight`],
    ...(await registryOf(lab, platform, report)),
  };
}

/** What the registry has of the platform: which objects, that the receipt says what the run said, and that the trail holds every proof and every destroying call. */
async function registryOf(lab: TestLab, { buildId, cluster, workflowId }: Platform, report: RunReport): Promise<Outside> {
  const client = new S3Client({ ...reachOf(lab.env), forcePathStyle: true });
  const Bucket = 'goldenpath-dev-registry';
  const texts = new Map<string, string>();
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket })) {
    const keys = Contents.flatMap(({ Key = '' }) => (Key.includes(buildId) ? [Key] : []));
    for (const Key of keys) texts.set(Key, (await (await client.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString()) ?? '');
  }
  const { report: told, hash } = JSON.parse(texts.get(`receipts/dev/${cluster}/${report.runId}.json`) ?? '{}') as Partial<Receipt>;
  const entries = [...texts].filter(([key]) => key.startsWith('audit/')).map(([, text]) => JSON.parse(text) as AuditEntry);
  const strangers = entries.filter((entry) => entry.runId !== report.runId || entry.workflowId !== workflowId);
  const calls = Map.groupBy(entries.filter((entry) => entry.kind === 'destroy'), ({ activity }) => activity);
  return {
    registry: [...texts.keys()].filter((key) => !key.startsWith('audit/')).map((key) => key.replace(buildId, 'BUILD').replace(buildId, 'BUILD').replace(/[0-9a-f-]{36}/, 'RUN')).toSorted(),
    receipt: [`state ${told?.state}`, `${told?.residue.length} left`, `hash ${told !== undefined && hash === hashOf(told) ? 'fits' : 'does not fit'}`, ...(told?.stages ?? []).map(({ id, status }) => `${id} ${status}`)],
    // A killed attempt's call may be on record as well as the one that came after it: each is told once.
    'audit trail': [`${strangers.length} entries of others`, ...entries.filter((entry) => entry.kind === 'proof').map(({ why }) => `proof: ${why}`), ...[...calls.keys()].map((activity) => `destroy: ${activity}`)].toSorted(),
  };
}

/** Every line that only one of the two has, with a sign before it: none where both are the same. */
export function differences(undisturbed: Outside, run: Outside): string[] {
  return Object.keys({ ...undisturbed, ...run }).flatMap((kind) => {
    const [before, after] = [undisturbed[kind] ?? [], run[kind] ?? []];
    return [...lacking(before, after).map((line) => `- ${kind}: ${line}`), ...lacking(after, before).map((line) => `+ ${kind}: ${line}`)];
  });
}

/** The lines of one list that the other has not, or not as often. */
function lacking(lines: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return lines.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
