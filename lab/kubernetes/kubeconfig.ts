// Kubeconfig files (JSON, which is YAML) for the lab's own programs and for pods.
import { writeFile } from 'node:fs/promises';

export interface KubeconfigInput {
  readonly server: string;
  /** Absent only for plain http. */
  readonly caPem?: string;
  /** A token, or the file that a client reads again before it expires; absent for no credentials. */
  readonly credentials?: { readonly token: string } | { readonly tokenFile: string };
  readonly namespace?: string;
}

/** Text of a kubeconfig with one context, which is the current one (without it clients silently use localhost:8080). */
export function kubeconfig({ server, caPem, credentials, namespace }: KubeconfigInput): string {
  const name = 'lab';
  return JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name,
          cluster: { server, ...(caPem === undefined ? {} : { 'certificate-authority-data': Buffer.from(caPem).toString('base64') }) },
        },
      ],
      users: [{ name, user: userOf(credentials) }],
      contexts: [{ name, context: { cluster: name, user: name, ...(namespace === undefined ? {} : { namespace }) } }],
      'current-context': name,
    },
    null,
    2,
  );
}

/** Go's clients say tokenFile, the one for Node token-file. */
function userOf(credentials: KubeconfigInput['credentials']): object {
  if (credentials === undefined) return {};
  if ('tokenFile' in credentials) return { tokenFile: credentials.tokenFile, 'token-file': credentials.tokenFile };
  return credentials;
}

/** Writes a kubeconfig that only its owner can read. */
export async function writeKubeconfig(file: string, input: KubeconfigInput): Promise<string> {
  await writeFile(file, kubeconfig(input), { mode: 0o600 });
  return file;
}
