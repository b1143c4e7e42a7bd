// S3 buckets as the foundation and the platforms' checks ask for them: is one there, and in which region (F4, T2)?
import { HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { GoldenpathError } from '../domain/errors.ts';
import { present } from './pages.ts';

/** The header in which S3 names a bucket's region, also when it refuses the request for having come to another one. Source: S3 API Reference, HeadBucket. */
const REGION_HEADER = 'x-amz-bucket-region';

/**
 * Where the bucket is; null where S3 has none of that name. Names are global, so it must be the account's own where `owner` names one (12 digits).
 * Throws AccessDenied where it is another's, or the caller may not look at it: S3 does not say which.
 */
export async function readBucketRegion(s3: S3Client, bucket: string, owner?: string): Promise<{ region: string } | null> {
  try {
    const { BucketRegion } = await s3.send(new HeadBucketCommand({ Bucket: bucket, ExpectedBucketOwner: owner }));
    return { region: present(BucketRegion, "the bucket's region") };
  } catch (error) {
    const { status, region } = answerOf(error);
    // An answer to HEAD has no body, so no name of an error either: 404 says that there is no such bucket, 301 and 400 that it is elsewhere.
    if (status === 404) return null;
    if (status === 403) throw new GoldenpathError('AccessDenied', `S3 has a bucket ${bucket} and does not let the caller see it: the caller lacks s3:ListBucket on it, or it is another account's`, [], { cause: error });
    if ((status === 301 || status === 400) && region !== undefined) return { region };
    throw error;
  }
}

function answerOf(error: unknown): { status?: number | undefined; region?: string | undefined } {
  if (!(error instanceof Error) || !('$response' in error)) return {};
  const response: unknown = error.$response;
  if (typeof response !== 'object' || response === null || !('statusCode' in response) || !('headers' in response)) return {};
  const { statusCode, headers } = response;
  const region: unknown = typeof headers === 'object' && headers !== null ? Reflect.get(headers, REGION_HEADER) : undefined;
  return { status: typeof statusCode === 'number' ? statusCode : undefined, region: typeof region === 'string' ? region : undefined };
}
