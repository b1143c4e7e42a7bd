// The AWS SDK clients of a worker. Credentials and endpoint come from the environment (standard credential chain, AWS_ENDPOINT_URL).
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { EC2Client } from '@aws-sdk/client-ec2';
import { EKSClient } from '@aws-sdk/client-eks';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import { RDSClient } from '@aws-sdk/client-rds';
import { ResourceGroupsTaggingAPIClient } from '@aws-sdk/client-resource-groups-tagging-api';
import { Route53Client } from '@aws-sdk/client-route-53';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { STSClient } from '@aws-sdk/client-sts';
import { NodeHttpHandler } from '@smithy/node-http-handler';

export type Clients = ReturnType<typeof createClients>;

/**
 * One client per service. An attempt ends well within the plan's `callMs` (30 s): the SDK tries three times, eight seconds each at most, with its own
 * back-off, and whatever lasts longer is Temporal's to retry.
 */
export function createClients(region: string) {
  const config = {
    region,
    maxAttempts: 3,
    retryMode: 'standard',
    customUserAgent: 'goldenpath',
    requestHandler: new NodeHttpHandler({ connectionTimeout: 3_000, requestTimeout: 8_000, throwOnRequestTimeout: true }),
  };
  return {
    region,
    sts: new STSClient(config),
    ec2: new EC2Client(config),
    eks: new EKSClient(config),
    iam: new IAMClient(config),
    elb: new ElasticLoadBalancingV2Client(config),
    kms: new KMSClient(config),
    logs: new CloudWatchLogsClient(config),
    rds: new RDSClient(config),
    secrets: new SecretsManagerClient(config),
    quotas: new ServiceQuotasClient(config),
    tagging: new ResourceGroupsTaggingAPIClient(config),
    route53: new Route53Client(config),
    // Path style: the bucket's name never becomes part of a host name, which a custom endpoint cannot resolve.
    s3: new S3Client({ ...config, forcePathStyle: true }),
  };
}
