// What a container says at its end (core/v1: terminationMessagePath, terminationMessagePolicy).
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { V1Container } from '@kubernetes/client-node';
import { isErrno } from '../../errno.ts';

/** The kubelet's own limits: of the file, and of the log's end where that stands for it. Source: Kubernetes, "Determine the Reason for Pod Failure". */
const FILE_BYTES = 4096;
const LOG_BYTES = 2048;

/** The file that is `/dev/termination-log` to one container: those of a pod share a root here. */
export function terminationLogOf(root: string, { name }: Pick<V1Container, 'name'>): string {
  return join(root, 'dev', name, 'termination-log');
}

/** Every start of a container has an empty one. */
export async function freshTerminationLog(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, '', { mode: 0o600 });
}

/** The message of a container that has ended: its file, or the end of its log where it failed without one and asks for that. */
export async function terminationMessage(container: V1Container, { root, logFile, failed }: { root: string; logFile: string; failed: boolean }): Promise<string> {
  const own = (await bytesOf(terminationLogOf(root, container))).subarray(0, FILE_BYTES).toString('utf8');
  if (own !== '' || !failed || container.terminationMessagePolicy !== 'FallbackToLogsOnError') return own;
  return (await bytesOf(logFile)).subarray(-LOG_BYTES).toString('utf8');
}

async function bytesOf(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return Buffer.alloc(0); // a pod that was discarded meanwhile
    throw error;
  }
}
