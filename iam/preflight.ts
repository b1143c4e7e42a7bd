// The role of the preflight before Loki: it may see that the bucket is there, and no object in it (T2).
import { irsaTrust, policyDocument, type IrsaRole } from './role.ts';

const namespace = 'monitoring';
const serviceAccount = 'preflight';

export const preflightRole: IrsaRole = {
  key: 'preflight',
  namespace,
  serviceAccount,
  lifecycles: ['persistent'],
  define: (context) => ({
    roleName: `${context.clusterName}-preflight`,
    description: `Preflights in ${context.clusterName}: whether ${context.lokiBucket} is there`,
    trustPolicy: irsaTrust(context, namespace, serviceAccount),
    managedPolicyArns: [],
    policies: {
      bucket: policyDocument({
        Sid: 'SeeTheBucket',
        Effect: 'Allow',
        Action: ['s3:ListBucket'], // goldenpath preflight: HeadBucket
        Resource: [`arn:${context.partition}:s3:::${context.lokiBucket}`],
      }),
    },
  }),
};
