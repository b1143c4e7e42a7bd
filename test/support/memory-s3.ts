// S3 in memory behind the SDK's own client, for unit tests: objects that are written once, and a bucket that can be made to refuse.
import { S3Client } from '@aws-sdk/client-s3';

/** The client, and what was written: key by key, in order. `refuse` makes every call fail with this code and status. */
export function memoryS3() {
  const objects = new Map<string, string>();
  const bucket = { objects, refuse: undefined as { code: string; status: number } | undefined };
  const xml = (statusCode: number, body = '') => ({ response: { statusCode, headers: { 'content-type': 'application/xml' }, body: streamOf(body) } });
  const error = (statusCode: number, code: string) => xml(statusCode, `<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
  const client = new S3Client({
    region: 'eu-west-2',
    forcePathStyle: true,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
    requestHandler: {
      handle({ method, path, query, headers, body }: { method: string; path: string; query: Record<string, string>; headers: Record<string, string>; body?: unknown }) {
        if (bucket.refuse !== undefined) return Promise.resolve(error(bucket.refuse.status, bucket.refuse.code));
        const key = decodeURIComponent(path.split('/').slice(2).join('/'));
        if (method === 'PUT') {
          if (headers['if-none-match'] === '*' && objects.has(key)) return Promise.resolve(error(412, 'PreconditionFailed'));
          objects.set(key, String(body));
          return Promise.resolve(xml(200));
        }
        if (query['list-type'] === '2') {
          const written = [...objects.keys()];
          const listed = written.filter((name) => name.startsWith(query['prefix'] ?? '')).toSorted();
          const at = (name: string) => new Date(Date.UTC(2026, 0, 1) + written.indexOf(name) * 1_000).toISOString(); // a second apart, as they came
          return Promise.resolve(xml(200, `<ListBucketResult><IsTruncated>false</IsTruncated>${listed.map((name) => `<Contents><Key>${name}</Key><LastModified>${at(name)}</LastModified></Contents>`).join('')}</ListBucketResult>`));
        }
        const object = objects.get(key);
        return Promise.resolve(object === undefined ? error(404, 'NoSuchKey') : xml(200, object));
      },
    },
  });
  return { client, bucket };
}

function streamOf(text: string): ReadableStream {
  return new Blob([text]).stream();
}
