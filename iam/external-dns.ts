// ExternalDNS's role: the records of the platform's own subtree in one zone, without the builds' subtrees in it, and nothing else (C2, D1).
import { buildsDenied, reservedDenied, recordScope, suffixPatterns } from './dns-scope.ts';
import { irsaTrust, policyDocument, type IrsaRole } from './role.ts';

const namespace = 'external-dns';
const serviceAccount = 'external-dns';

export const externalDnsRole: IrsaRole = {
  key: 'external-dns',
  namespace,
  serviceAccount,
  define: (context) => {
    const zone = `arn:${context.partition}:route53:::hostedzone/${context.hostedZoneId}`;
    return {
      roleName: `${context.clusterName}-external-dns`,
      description: `ExternalDNS of ${context.clusterName}: records inside ${context.hostSuffix} only`,
      trustPolicy: irsaTrust(context, namespace, serviceAccount),
      managedPolicyArns: [],
      policies: {
        'dns-scope': policyDocument(
          {
            Sid: 'ChangeRecordsInsideTheSuffix',
            Effect: 'Allow',
            Action: ['route53:ChangeResourceRecordSets'], // ExternalDNS: records and the TXT registry beside them
            Resource: [zone],
            Condition: recordScope(suffixPatterns(context.hostSuffix), ['A', 'AAAA', 'CNAME', 'TXT']),
          },
          ...buildsDenied(context, zone),
          reservedDenied(zone),
          {
            Sid: 'ReadTheZone',
            Effect: 'Allow',
            Action: ['route53:ListResourceRecordSets'], // ExternalDNS: what exists, and who owns it
            Resource: [zone],
          },
          {
            Sid: 'FindTheZone',
            Effect: 'Allow',
            Action: ['route53:ListHostedZones'], // ExternalDNS: every round begins with it; Route 53 knows no narrower resource
            Resource: ['*'],
          },
        ),
      },
    };
  },
};
