// Health checks, kept but never run: all are healthy. Source: Route 53 API reference, actions on health checks.
import { randomUUID } from 'node:crypto';
import { awsError } from '../service.ts';
import { pageOf, type HealthCheckRecord, type Input, type Output, type Route53Call } from './state.ts';

export function createHealthCheck({ state, account }: Route53Call, input: Input<'CreateHealthCheck'>): Output<'CreateHealthCheck'> {
  const existing = [...state.healthChecks.values()].find(({ check }) => check.CallerReference === input.CallerReference);
  if (existing !== undefined && JSON.stringify(existing.check.HealthCheckConfig) !== JSON.stringify(input.HealthCheckConfig)) {
    awsError('HealthCheckAlreadyExists', `A health check has already been created with the specified caller reference: ${input.CallerReference}`);
  }
  const check = existing?.check ?? { Id: randomUUID(), CallerReference: input.CallerReference, HealthCheckConfig: input.HealthCheckConfig, HealthCheckVersion: 1 };
  state.healthChecks.set(check.Id ?? '', { account, check });
  return { HealthCheck: check, Location: `https://route53.amazonaws.com/2013-04-01/healthcheck/${check.Id}` };
}

export function getHealthCheck(call: Route53Call, input: Input<'GetHealthCheck'>): Output<'GetHealthCheck'> {
  return { HealthCheck: checkOf(call, input.HealthCheckId).check };
}

export function listHealthChecks({ state, account }: Route53Call, input: Input<'ListHealthChecks'>): Output<'ListHealthChecks'> {
  const own = [...state.healthChecks.values()].filter((record) => record.account === account);
  const { page, size, truncated, next } = pageOf(own, ({ check }) => check.Id ?? '', input.Marker, input.MaxItems);
  return { HealthChecks: page.map(({ check }) => check), Marker: input.Marker ?? '', IsTruncated: truncated, NextMarker: next, MaxItems: size };
}

export function countHealthChecks({ state, account }: Route53Call): Output<'GetHealthCheckCount'> {
  return { HealthCheckCount: [...state.healthChecks.values()].filter((record) => record.account === account).length };
}

export function healthCheckStatus(call: Route53Call, input: Input<'GetHealthCheckStatus'>): Output<'GetHealthCheckStatus'> {
  checkOf(call, input.HealthCheckId);
  const report = { Status: 'Success: HTTP Status Code 200, OK', CheckedTime: call.now };
  return { HealthCheckObservations: [{ Region: 'us-east-1', IPAddress: '192.0.2.1', StatusReport: report }] };
}

/** As on AWS, a record set that still names the check does not keep it from being deleted. */
export function deleteHealthCheck(call: Route53Call, input: Input<'DeleteHealthCheck'>): Record<string, never> {
  const { check } = checkOf(call, input.HealthCheckId);
  call.state.healthChecks.delete(check.Id ?? '');
  call.state.tags.delete(`healthcheck/${check.Id}`);
  return {};
}

function checkOf({ state, account }: Route53Call, id = ''): HealthCheckRecord {
  const record = state.healthChecks.get(id);
  return record === undefined || record.account !== account ? awsError('NoSuchHealthCheck', `No health check exists with the specified ID: ${id}`) : record;
}
