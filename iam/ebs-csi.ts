// The EBS CSI driver's role: AWS's own policy for the add-on (C1).
import { irsaTrust, type IrsaRole } from './role.ts';

const namespace = 'kube-system';
const serviceAccount = 'ebs-csi-controller-sa';

export const ebsCsiRole: IrsaRole = {
  key: 'aws-ebs-csi-driver',
  namespace,
  serviceAccount,
  define: (context) => ({
    roleName: `${context.clusterName}-ebs-csi`,
    description: `EBS CSI driver of ${context.clusterName}`,
    trustPolicy: irsaTrust(context, namespace, serviceAccount),
    // The driver: creates, attaches and deletes volumes that carry its own tags.
    managedPolicyArns: [`arn:${context.partition}:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy`],
    policies: {},
  }),
};
