// cert-manager's role: ACME's DNS-01 challenges inside the platform's subtree, and nothing else (C2, failure 18).
import { buildsDenied, challengePatterns, recordScope } from './dns-scope.ts';
import { irsaTrust, policyDocument, type IrsaRole } from './role.ts';

const namespace = 'cert-manager';
const serviceAccount = 'cert-manager';

export const certManagerRole: IrsaRole = {
  key: 'cert-manager',
  namespace,
  serviceAccount,
  define: (context) => {
    const zone = `arn:${context.partition}:route53:::hostedzone/${context.hostedZoneId}`;
    return {
      roleName: `${context.clusterName}-cert-manager`,
      description: `cert-manager of ${context.clusterName}: _acme-challenge TXT records inside ${context.hostSuffix} only`,
      trustPolicy: irsaTrust(context, namespace, serviceAccount),
      managedPolicyArns: [],
      policies: {
        'acme-challenges': policyDocument(
          {
            Sid: 'ChangeChallengesInsideTheSuffix',
            Effect: 'Allow',
            Action: ['route53:ChangeResourceRecordSets'], // cert-manager: presents and cleans up a challenge
            Resource: [zone],
            Condition: recordScope(challengePatterns(context.hostSuffix), ['TXT']),
          },
          ...buildsDenied(context, zone),
          {
            Sid: 'ReadTheZone',
            Effect: 'Allow',
            Action: ['route53:ListResourceRecordSets'], // cert-manager: looks for the challenge before it cleans up
            Resource: [zone],
          },
          {
            Sid: 'AwaitChanges',
            Effect: 'Allow',
            Action: ['route53:GetChange'], // cert-manager: waits until a change is INSYNC
            Resource: [`arn:${context.partition}:route53:::change/*`],
          },
        ),
      },
    };
  },
};
