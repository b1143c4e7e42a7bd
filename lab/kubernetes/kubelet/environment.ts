// A container's environment as the API server's objects give it: values, ConfigMaps, Secrets and the pod's own fields (core/v1, EnvVar).
import type { V1Container, V1EnvVarSource, V1Pod } from '@kubernetes/client-node';
import { expand } from './texts.ts';

/** What variables may be taken from; undefined where the object is not there. */
export interface Sources {
  configMap(name: string): Promise<Readonly<Record<string, string>> | undefined>;
  secret(name: string): Promise<Readonly<Record<string, string>> | undefined>;
}

/** An object that the container needs is not there yet; the message is the pod's status, and the kubelet tries again. */
export class ConfigMissing extends Error {
  override readonly name = 'ConfigMissing';
}

/** The variables of `envFrom` and `env` in their order, expanded. Throws ConfigMissing for what is not optional and not there. */
export async function containerEnv(container: V1Container, pod: V1Pod, sources: Sources): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const { configMapRef, secretRef, prefix = '' } of container.envFrom ?? []) {
    const reference = configMapRef ?? secretRef;
    const values = configMapRef === undefined ? await sources.secret(secretRef?.name ?? '') : await sources.configMap(configMapRef.name ?? '');
    if (values === undefined && reference?.optional !== true) throw new ConfigMissing(`${reference?.name ?? 'envFrom'} not found`);
    for (const [key, value] of Object.entries(values ?? {})) env[`${prefix}${key}`] = value;
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    const found = valueFrom === undefined ? expand(value ?? '', env) : await valueOf(valueFrom, pod, sources);
    if (found !== undefined) env[name] = found;
  }
  return env;
}

async function valueOf(source: V1EnvVarSource, pod: V1Pod, sources: Sources): Promise<string | undefined> {
  const { configMapKeyRef, secretKeyRef, fieldRef } = source;
  if (configMapKeyRef !== undefined) return keyOf(await sources.configMap(configMapKeyRef.name ?? ''), configMapKeyRef, 'configmap');
  if (secretKeyRef !== undefined) return keyOf(await sources.secret(secretKeyRef.name ?? ''), secretKeyRef, 'secret');
  if (fieldRef !== undefined) return fieldOf(pod, fieldRef.fieldPath);
  throw new ConfigMissing('the lab has no resource fields');
}

interface KeyReference {
  readonly key: string;
  readonly name?: string;
  readonly optional?: boolean;
}

function keyOf(values: Readonly<Record<string, string>> | undefined, reference: KeyReference, kind: string): string | undefined {
  const value = values?.[reference.key];
  if (value === undefined && reference.optional !== true) {
    const what = values === undefined ? '' : `key ${reference.key} in `;
    throw new ConfigMissing(`couldn't find ${what}${kind} ${reference.name ?? ''}`);
  }
  return value;
}

/** The downward API's fields of a pod (core/v1, ObjectFieldSelector). Throws ConfigMissing for a field it does not have. */
export function fieldOf(pod: V1Pod, path: string): string {
  const entry = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (entry !== null) return (entry[1] === 'labels' ? pod.metadata?.labels : pod.metadata?.annotations)?.[entry[2] ?? ''] ?? '';
  const fields: Readonly<Record<string, string | undefined>> = {
    'metadata.name': pod.metadata?.name,
    'metadata.namespace': pod.metadata?.namespace,
    'metadata.uid': pod.metadata?.uid,
    'spec.nodeName': pod.spec?.nodeName,
    'spec.serviceAccountName': pod.spec?.serviceAccountName,
    'status.podIP': pod.status?.podIP ?? '127.0.0.1',
    'status.hostIP': pod.status?.hostIP ?? '127.0.0.1',
  };
  const value = fields[path];
  if (value === undefined) throw new ConfigMissing(`field ${path} is not supported`);
  return value;
}
