// A pod's service-account tokens: one for the API server, one for AWS where its service account names a role (IRSA).
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { CoreV1Api, V1Pod } from '@kubernetes/client-node';

/** The annotation of EKS that gives a service account a role. */
export const ROLE_ARN = 'eks.amazonaws.com/role-arn';
/** The audience that STS wants of a web identity token. */
export const STS_AUDIENCE = 'sts.amazonaws.com';
/** Lifetimes as the kubelet's and EKS's own defaults have them: an hour and seven seconds, a day. */
export const API_TOKEN_SECONDS = 3607;
export const STS_TOKEN_SECONDS = 86_400;
/** The kubelet asks for a new token after this share of its lifetime (docs: "Launch a Pod using service account token projection"). */
const RENEW_AT = 0.8;
/** After a failed renewal; the token is still good for a fifth of its lifetime. */
const RETRY_MS = 10_000;

export interface TokenInput {
  readonly api: CoreV1Api;
  readonly pod: V1Pod;
  /** The API server's own audience where absent. */
  readonly audience?: string;
  readonly seconds: number;
  readonly file: string;
}

/** Writes a token bound to the pod into a file and keeps it fresh until `signal` aborts. Throws what the first request throws. */
export async function keepToken(input: TokenInput, signal: AbortSignal): Promise<void> {
  const seconds = await writeToken(input);
  renewLater(input, seconds * RENEW_AT * 1000, signal);
}

function renewLater(input: TokenInput, afterMs: number, signal: AbortSignal): void {
  if (signal.aborted) return;
  const timer = setTimeout(() => {
    void renew(input, signal);
  }, afterMs);
  timer.unref();
  signal.addEventListener(
    'abort',
    () => {
      clearTimeout(timer);
    },
    { once: true },
  );
}

async function renew(input: TokenInput, signal: AbortSignal): Promise<void> {
  let nextMs = RETRY_MS;
  try {
    nextMs = (await writeToken(input)) * RENEW_AT * 1000;
  } catch {
    // The API server may be away for a moment; at worst the process sees an expired token and says so.
  }
  renewLater(input, nextMs, signal);
}

/** Returns the token's lifetime in seconds, which the API server may have changed. */
async function writeToken({ api, pod, audience, seconds, file }: TokenInput): Promise<number> {
  const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
  const answer = await api.createNamespacedServiceAccountToken({
    name: pod.spec?.serviceAccountName ?? 'default',
    namespace,
    body: {
      spec: {
        audiences: audience === undefined ? [] : [audience],
        expirationSeconds: seconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    },
  });
  const { token, expirationTimestamp } = answer.status ?? {};
  if (token === undefined || expirationTimestamp === undefined) throw new Error(`no token for ${namespace}/${name}`);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.partial`, token, { mode: 0o600 });
  await rename(`${file}.partial`, file);
  return (expirationTimestamp.getTime() - Date.now()) / 1000;
}
