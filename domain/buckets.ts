// A bucket that the platform needs: is it there, the account's own, and in the platform's region (F4, T2)? Pure.
import { type CheckResult, judge, type Reading } from './checks.ts';

/** Null where S3 has no bucket of the name. */
export type BucketReading = Reading<{ region: string } | null>;

/** The check of a bucket that `file` names as `field`. */
export function bucketCheck(id: string, title: string, reading: BucketReading, { bucket, region, field, file }: { bucket: string; region: string; field: string; file: string }): CheckResult {
  const create = `create the bucket ${bucket} in ${region}, or correct ${field} in ${file}`;
  const unseen = `let the worker's role have s3:ListBucket on the bucket; names are global, so where another account has it, name one of your own as ${field} in ${file}`;
  return judge(id, title, reading, {
    problems: (found) => (found === null ? [`S3 has no bucket ${bucket}`] : found.region === region ? [] : [`bucket ${bucket} is in ${found.region}, not in ${region}`]),
    describe: () => `${bucket} in ${region}`,
    fix: 'value' in reading ? create : unseen,
  });
}
