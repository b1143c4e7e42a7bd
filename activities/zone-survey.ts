// The records of every platform that a hosted zone knows of (D4), by the same rules as the DNS gate's.
import { GetHostedZoneCommand, type Route53Client } from '@aws-sdk/client-route-53';
import { normaliseName } from '../domain/dns-names.ts';
import { GoldenpathError } from '../domain/errors.ts';
import { type PlatformRecords, recordsByPlatform } from '../domain/orphans.ts';
import type { Clients } from './clients.ts';
import type { ZoneSurveys } from './contract.ts';
import { present } from './pages.ts';
import { listRecords } from './zone.ts';

export function zoneSurveys({ route53 }: Pick<Clients, 'route53'>): ZoneSurveys {
  return { surveyZone: (input) => surveyZone(route53, input) };
}

/** Two calls for a zone of one page. */
async function surveyZone(route53: Route53Client, { scope, hostedZoneId, living }: Parameters<ZoneSurveys['surveyZone']>[0]): Promise<PlatformRecords[]> {
  const { HostedZone } = await route53.send(new GetHostedZoneCommand({ Id: hostedZoneId }));
  const name = normaliseName(present(HostedZone?.Name, "the zone's name"));
  // In another zone no record would be found, and that would read as none (F3).
  if (name !== normaliseName(scope.zone)) throw new GoldenpathError('PreflightFailed', `Zone ${hostedZoneId} is ${name}, not ${scope.zone}`, [`correct dns.hostedZoneId or dns.zone of ${scope.environment}`]);
  const { records } = await listRecords(route53, hostedZoneId);
  return recordsByPlatform(records, scope, living);
}
