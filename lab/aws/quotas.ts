// Service Quotas, API 2019-06-24: moto's, with the quota that the foundation check reads (requirement F4). Gap: no other quota of EKS.
import * as sdk from '@aws-sdk/client-service-quotas';
import { plugOverlay, type OperationsOf, type Overlay, type Plugged } from './service.ts';

/** AWS's default of L-1194D53C, clusters in a region. */
const EKS_CLUSTERS = 100;

const overlay: Overlay<null, OperationsOf<typeof sdk>> = {
  scope: 'servicequotas',
  protocol: 'json',
  sdk,
  resource: (_operation, input) => (typeof input['QuotaCode'] === 'string' ? input['QuotaCode'] : undefined),
  mends: {
    GetServiceQuota: (_call, input, answer) =>
      input.ServiceCode === 'eks' && input.QuotaCode === 'L-1194D53C'
        ? { Quota: { ServiceCode: 'eks', ServiceName: 'Amazon Elastic Kubernetes Service (Amazon EKS)', QuotaCode: 'L-1194D53C', QuotaName: 'Clusters', Value: EKS_CLUSTERS, Unit: 'None', Adjustable: true, GlobalQuota: false } }
        : answer(),
  },
};

/** Binds the overlay. */
export function plugQuotas(): Plugged {
  return plugOverlay(overlay, null);
}
