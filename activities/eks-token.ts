// Entry to a cluster's Kubernetes API: endpoint and CA from EKS, and a token minted from STS for each use, because it lives for minutes (failure 29, facts.md § EKS tokens).
import { DescribeClusterCommand } from '@aws-sdk/client-eks';
import { GetCallerIdentityCommand, type STSClient } from '@aws-sdk/client-sts';
import { Sha256 } from '@aws-crypto/sha256-js';
import { formatUrl } from '@aws-sdk/util-format-url';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Target } from '../domain/plan.ts';
import type { Clients } from './clients.ts';
import { demandOwned } from './ownership.ts';
import { present } from './pages.ts';

/** What a Kubernetes client needs. `token` is good for about a minute where the expiry is checked strictly: mint again with `mintToken` for later calls. */
export interface ClusterAccess {
  endpoint: string;
  caPem: string;
  token: string;
}

/** EKS accepts a presigned URL of at most 15 minutes; `aws eks get-token` signs for 60 seconds, and so does this. */
const EXPIRY_SECONDS = 60;

/** Reads the cluster's endpoint and CA and mints a token. Throws EKS's ResourceNotFoundException where there is no cluster, NotOwned where it is another's. */
export async function clusterAccess({ eks, sts }: Pick<Clients, 'eks' | 'sts'>, target: Target): Promise<ClusterAccess> {
  const { cluster } = await eks.send(new DescribeClusterCommand({ name: target.cluster }));
  const { endpoint, certificateAuthority, tags } = present(cluster, 'a cluster');
  demandOwned(`cluster ${target.cluster}`, tags, target);
  return {
    endpoint: present(endpoint, "the cluster's endpoint"),
    caPem: Buffer.from(present(certificateAuthority?.data, "the cluster's CA"), 'base64').toString('utf8'),
    token: await mintToken(sts, target.cluster),
  };
}

/** A bearer token for the cluster: `k8s-aws-v1.` and a presigned GetCallerIdentity that names the cluster. Calls nothing but the credential chain. */
export async function mintToken(sts: STSClient, cluster: string): Promise<string> {
  const { protocol, hostname, port } = await stsEndpoint(sts);
  const region = await sts.config.region();
  const signer = new SignatureV4({ service: 'sts', region, credentials: sts.config.credentials, sha256: Sha256 });
  const host = port === undefined ? hostname : `${hostname}:${port}`;
  const signed = await signer.presign(
    { method: 'GET', protocol, hostname, ...(port === undefined ? {} : { port }), path: '/', query: { Action: 'GetCallerIdentity', Version: '2011-06-15' }, headers: { host, 'x-k8s-aws-id': cluster } },
    { expiresIn: EXPIRY_SECONDS },
  );
  return `k8s-aws-v1.${Buffer.from(formatUrl(signed)).toString('base64url')}`;
}

interface Endpoint {
  protocol: string;
  hostname: string;
  port?: number | undefined;
}

/** Where the client would send a request, with all its rules (region, AWS_ENDPOINT_URL_STS): read from a request that is built and never sent. */
async function stsEndpoint(sts: STSClient): Promise<Endpoint> {
  let endpoint: Endpoint | undefined;
  const command = new GetCallerIdentityCommand({});
  command.middlewareStack.add(
    () => (args) => {
      endpoint = isRequest(args.request) ? args.request : undefined;
      return Promise.resolve({ response: undefined, output: { $metadata: {} } });
    },
    { step: 'build', priority: 'high', name: 'goldenpathReadEndpoint' },
  );
  await sts.send(command);
  return present(endpoint, 'an endpoint of STS');
}

function isRequest(request: unknown): request is Endpoint {
  return typeof request === 'object' && request !== null && 'hostname' in request && 'protocol' in request;
}
