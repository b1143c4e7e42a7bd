// What a caller of Route 53 must be allowed to do, with the condition keys of record changes (C2: the hard guard).
// Source: Service Authorization Reference, "Amazon Route 53"; developer guide, "Using IAM policy conditions for
// fine-grained access control" (names: lower case, no trailing dot, `\052` for `*`).
import type { Change } from '@aws-sdk/client-route-53';
import type { Need } from '../service.ts';
import { isRecord } from '../wire/schema.ts';
import { knownName } from './names.ts';
import { bareId } from './state.ts';

/** The needs of one call. */
export function needsOf(operation: string, input: Record<string, unknown>): Need[] {
  const need: Need = { action: `route53:${operation}`, resource: resourceArn(operation, input) };
  return [operation === 'ChangeResourceRecordSets' ? { ...need, context: changeContext(input) } : need];
}

/** The zone, change or health check a call speaks of, for logs and rules: e.g. `hostedzone/Z123`. */
export function resourceOf(operation: string, input: Record<string, unknown>): string | undefined {
  const arn = resourceArn(operation, input);
  return arn === '*' ? undefined : arn.slice('arn:aws:route53:::'.length);
}

function resourceArn(operation: string, input: Record<string, unknown>): string {
  const id = (name: string): string | undefined => (typeof input[name] === 'string' ? bareId(input[name]) : undefined);
  const isZoneList = operation.startsWith('ListHostedZones') || operation === 'CreateHostedZone';
  if (operation === 'GetChange') return `arn:aws:route53:::change/${id('Id')}`;
  if (id('HealthCheckId') !== undefined) return `arn:aws:route53:::healthcheck/${id('HealthCheckId')}`;
  if (typeof input['ResourceType'] === 'string' && id('ResourceId') !== undefined) return `arn:aws:route53:::${input['ResourceType']}/${id('ResourceId')}`;
  const zone = id('HostedZoneId') ?? id('Id');
  return zone === undefined || isZoneList ? '*' : `arn:aws:route53:::hostedzone/${zone}`;
}

/** The changes of a batch, for logs: `UPSERT \\052.apps.dev.example.org A`. */
export function changesOf(operation: string, input: Record<string, unknown>): string[] | undefined {
  if (operation !== 'ChangeResourceRecordSets') return undefined;
  return batchOf(input).map(({ Action, ResourceRecordSet }) => `${Action} ${knownName(ResourceRecordSet?.Name ?? '').replace(/\.$/, '')} ${ResourceRecordSet?.Type}`);
}

function batchOf(input: Record<string, unknown>): Change[] {
  const batch = input['ChangeBatch'];
  const changes: unknown[] = isRecord(batch) && Array.isArray(batch['Changes']) ? batch['Changes'] : [];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- read by the SDK's own schema
  return changes as Change[];
}

function changeContext(input: Record<string, unknown>): Record<string, string[]> {
  const given = batchOf(input);
  return {
    'route53:ChangeResourceRecordSetsNormalizedRecordNames': unique(given.map(({ ResourceRecordSet }) => knownName(ResourceRecordSet?.Name ?? '').replace(/\.$/, ''))),
    'route53:ChangeResourceRecordSetsRecordTypes': unique(given.map(({ ResourceRecordSet }) => ResourceRecordSet?.Type ?? '')),
    'route53:ChangeResourceRecordSetsActions': unique(given.map(({ Action }) => Action ?? '')),
  };
}

function unique(values: string[]): string[] {
  return [...new Set(values)];
}
