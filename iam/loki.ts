// Loki's role: its chunks and indexes in one bucket (tier 2).
import { irsaTrust, policyDocument, type IrsaRole } from './role.ts';

const namespace = 'monitoring';
const serviceAccount = 'loki';

export const lokiRole: IrsaRole = {
  key: 'loki',
  namespace,
  serviceAccount,
  lifecycles: ['persistent'],
  define: (context) => ({
    roleName: `${context.clusterName}-loki`,
    description: `Loki of ${context.clusterName}: objects in ${context.lokiBucket}`,
    trustPolicy: irsaTrust(context, namespace, serviceAccount),
    managedPolicyArns: [],
    policies: {
      bucket: policyDocument(
        {
          Sid: 'ListTheBucket',
          Effect: 'Allow',
          Action: ['s3:ListBucket'], // Loki: indexes of a day, chunks past their retention
          Resource: [`arn:${context.partition}:s3:::${context.lokiBucket}`],
        },
        {
          Sid: 'ObjectsOfTheBucket',
          Effect: 'Allow',
          Action: [
            's3:GetObject', // Loki: queries
            's3:PutObject', // Loki: flushes and index uploads
            's3:DeleteObject', // Loki's compactor: retention
          ],
          Resource: [`arn:${context.partition}:s3:::${context.lokiBucket}/*`],
        },
      ),
    },
  }),
};
