// Service Quotas, API 2019-06-24: an overlay on moto, which knows VPC's quotas only (requirement F4: EKS quota left).
import * as sdk from '@aws-sdk/client-service-quotas';
import { awsError, plugOverlay, type OperationsOf, type Overlay, type Plugged } from '../service.ts';

/** EKS's quotas by code: name and default value (EKS User Guide, service quotas). */
const EKS: Record<string, { name: string; value: number }> = {
  'L-1194D53C': { name: 'Clusters', value: 100 },
  'L-6D54EA21': { name: 'Managed node groups per cluster', value: 30 },
  'L-BD136A63': { name: 'Nodes per managed node group', value: 450 },
};

const overlay: Overlay<null, OperationsOf<typeof sdk>> = {
  scope: 'servicequotas',
  protocol: 'json',
  sdk,
  mends: {
    async GetServiceQuota({ world }, { ServiceCode, QuotaCode = '' }, answer) {
      if (ServiceCode !== 'eks') return answer();
      return { Quota: quota(world, QuotaCode) };
    },
    async ListServiceQuotas({ world }, { ServiceCode }, answer) {
      if (ServiceCode !== 'eks') return answer();
      return { Quotas: Object.keys(EKS).map((code) => quota(world, code)) };
    },
  },
};

/** Binds the overlay. */
export function plugServiceQuotas(): Plugged {
  return plugOverlay(overlay, null);
}

function quota({ region, account }: { region: string; account: string }, code: string): sdk.ServiceQuota {
  const { name, value } = EKS[code] ?? awsError('NoSuchResourceException', 'The request failed because the specified service quota does not exist.');
  return {
    ServiceCode: 'eks', ServiceName: 'Amazon Elastic Kubernetes Service (Amazon EKS)', QuotaCode: code, QuotaName: name, Value: value,
    QuotaArn: `arn:aws:servicequotas:${region}:${account}:eks/${code}`, Unit: 'None', Adjustable: true, GlobalQuota: false,
  };
}
