// What is known of services that moto answers alone: their protocol (for errors of the gateway) and the operation of a
// request (for the log and the fault rules). Source: the SDKs' service models.
import type { Protocol, WireRequest } from './service.ts';
import { formOf } from './wire/protocol.ts';
import { isRecord } from './wire/schema.ts';

const PROTOCOLS: Record<string, Protocol> = {
  acm: 'json', 'application-autoscaling': 'json', autoscaling: 'query', cloudformation: 'query', dynamodb: 'json', ec2: 'ec2', ecr: 'json',
  eks: 'rest-json', elasticloadbalancing: 'query', events: 'json', iam: 'query', kms: 'json', logs: 'json', monitoring: 'query', organizations: 'json',
  ram: 'rest-json', rds: 'query', route53: 'rest-xml', s3: 'rest-xml', secretsmanager: 'json', servicequotas: 'json', sns: 'query', sqs: 'json',
  ssm: 'json', sts: 'query', tagging: 'json',
};

/** The protocol of a service, guessed from the request where the service is not known. */
export function protocolOf(scope: string, request: WireRequest): Protocol {
  const known = PROTOCOLS[scope];
  if (known !== undefined) return known;
  if (request.headers['x-amz-target'] !== undefined) return 'json';
  return formOf(request).some(([name]) => name === 'Action') ? 'query' : 'rest-json';
}

/** Operation and resource of a request to a service without a table here. */
export function nameRequest(scope: string, request: WireRequest): { operation: string; resource: string | undefined } {
  if (scope === 's3') return nameS3(request);
  const target = request.headers['x-amz-target'];
  if (typeof target === 'string') return { operation: target.slice(target.lastIndexOf('.') + 1), resource: namedIn(membersOf(request.body)) };
  const form = formOf(request);
  const action = form.find(([name]) => name === 'Action')?.[1];
  return { operation: action ?? `${request.method} ${request.path}`, resource: namedIn(form) };
}

/** The first parameter that names something: `SecretId`, `logGroupName`, `LoadBalancerArns.member.1`. */
function namedIn(parameters: readonly [string, unknown][]): string | undefined {
  const found = parameters.find(([name, value]) => typeof value === 'string' && !name.startsWith('Filter') && /(?:Id|Name|Arn|ARN)s?(?:\.member)?(?:\.1)?$/.test(name))?.[1];
  return typeof found === 'string' ? found : undefined;
}

function membersOf(body: Buffer): [string, unknown][] {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    return isRecord(parsed) ? Object.entries(parsed) : [];
  } catch (cause) {
    if (cause instanceof SyntaxError) return []; // moto refuses it
    throw cause;
  }
}

const OF_OBJECT: Record<string, string> = { GET: 'GetObject', PUT: 'PutObject', DELETE: 'DeleteObject', HEAD: 'HeadObject' };
const OF_BUCKET: Record<string, string> = { GET: 'ListObjects', PUT: 'CreateBucket', DELETE: 'DeleteBucket', HEAD: 'HeadBucket' };
const VERBS: Record<string, string> = { GET: 'Get', PUT: 'Put', DELETE: 'Delete' };

/** S3 names the bucket in the path, or in the host below `localhost`. */
function nameS3(request: WireRequest): { operation: string; resource: string | undefined } {
  const virtual = /^([a-z0-9][a-z0-9.-]+)\.localhost(?::\d+)?$/.exec(request.headers.host ?? '')?.[1];
  const [bucket = '', ...rest] = virtual === undefined ? request.path.slice(1).split('/') : [virtual, ...request.path.slice(1).split('/')];
  const key = rest.join('/');
  const resource = key === '' ? bucket : `${bucket}/${key}`;
  return { operation: s3Operation(request, bucket, key), resource: resource === '' ? undefined : resource };
}

function s3Operation({ method, query, headers }: WireRequest, bucket: string, key: string): string {
  if (bucket === '') return 'ListBuckets';
  if (method === 'POST') return query.has('delete') ? 'DeleteObjects' : query.has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
  if (query.get('list-type') === '2') return 'ListObjectsV2';
  const part = [...query.keys()].find((name) => /^[a-z]+$/.test(name) && query.get(name) === '');
  const noun = key === '' ? 'Bucket' : 'Object';
  if (part !== undefined) return `${VERBS[method] ?? method}${noun}${part.slice(0, 1).toUpperCase()}${part.slice(1)}`;
  if (key === '') return OF_BUCKET[method] ?? method;
  if (method === 'PUT' && query.has('partNumber')) return 'UploadPart';
  return method === 'PUT' && headers['x-amz-copy-source'] !== undefined ? 'CopyObject' : (OF_OBJECT[method] ?? method);
}
