// May a record be an alias of that target? Source: API_AliasTarget; the hosted zone ids of load balancers are those of
// AWS's general reference, "Elastic Load Balancing endpoints and quotas".
import type { AliasTarget } from '@aws-sdk/client-route-53';
import { isInZone } from './names.ts';

/** By region: the zone ids of application (and classic) and of network load balancers. */
export const ELB_ZONES: Readonly<Record<string, { application: string; network: string }>> = {
  'us-east-1': { application: 'Z35SXDOTRQ7X7K', network: 'Z26RNL4JYFTOTI' },
  'us-east-2': { application: 'Z3AADJGX6KTTL2', network: 'ZLMOA37VPKANP' },
  'us-west-1': { application: 'Z368ELLRRE2KJ0', network: 'Z24FKFUX50B4VW' },
  'us-west-2': { application: 'Z1H1FL5HABSF5', network: 'Z18D5FSROUN65G' },
  'eu-west-1': { application: 'Z32O12XQLNTSW2', network: 'Z2IFOLAFXWLO4F' },
  'eu-west-2': { application: 'ZHURV8PSTC4K8', network: 'ZD4D7Y8KGAS4G' },
  'eu-west-3': { application: 'Z3Q77PNBQS71R4', network: 'Z1CMS0P5QUZ6D5' },
  'eu-central-1': { application: 'Z215JYRZR1TBD5', network: 'Z3F0SRJ5LGBH90' },
};
const CLOUDFRONT_ZONE = 'Z2FDTNDATAQYW2';

/**
 * What is wrong with an alias target, in Route 53's words.
 * @param target with its DNSName canonical
 * @param exists whether the zone holds a record of the alias's type (or a CNAME alias's) at a name
 */
export function aliasProblems(target: AliasTarget, type: string, zone: { id: string; name: string }, exists: (name: string) => boolean): string[] {
  const { HostedZoneId = '', DNSName = '' } = target;
  const tried = `Tried to create an alias that targets ${DNSName}, type ${type} in zone ${HostedZoneId}, but`;
  if (HostedZoneId === zone.id) {
    if (!isInZone(DNSName, zone.name)) return [`${tried} the alias target name does not lie within the target zone`, `${tried} that target was not found`];
    return exists(DNSName) ? [] : [`${tried} that target was not found`];
  }
  const expected = zoneOfService(DNSName);
  if (expected === HostedZoneId) return [];
  return [`${tried} the alias target name does not lie within the target zone`, ...(expected === undefined ? [`${tried} that target was not found`] : [])];
}

/** The hosted zone of an AWS service's own name; nothing where it is none of those known here. */
function zoneOfService(name: string): string | undefined {
  if (name.endsWith('.cloudfront.net.')) return CLOUDFRONT_ZONE;
  const application = /\.([a-z0-9-]+)\.elb\.amazonaws\.com\.$/.exec(name)?.[1];
  if (application !== undefined) return ELB_ZONES[application]?.application;
  const network = /\.elb\.([a-z0-9-]+)\.amazonaws\.com\.$/.exec(name)?.[1];
  return network === undefined ? undefined : ELB_ZONES[network]?.network;
}
