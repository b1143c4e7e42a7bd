// Calls of AWS services that the product has no client of (RDS), signed by hand: what a person has in the account beside a platform.
import { createHash } from 'node:crypto';
import { sign } from '../../lab/aws/sigv4.ts';
import type { Reach } from './account.ts';

/** One call of a service that speaks AWS's query protocol. Returns the XML of the answer. */
export async function query({ endpoint, region, credentials }: Reach, service: string, parameters: Readonly<Record<string, string>>): Promise<string> {
  const body = Buffer.from(new URLSearchParams(parameters).toString());
  const timestamp = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const date = timestamp.slice(0, 8);
  const headers = { host: new URL(endpoint).host, 'content-type': 'application/x-www-form-urlencoded; charset=utf-8', 'x-amz-date': timestamp, 'x-amz-content-sha256': createHash('sha256').update(body).digest('hex') };
  const signedHeaders = Object.keys(headers).toSorted();
  const credentialScope = `${date}/${region}/${service}/aws4_request`;
  const signature = sign(
    { method: 'POST', path: '/', query: new URLSearchParams(), rawQuery: '', headers, rawHeaders: Object.entries(headers).flat(), body },
    { accessKeyId: credentials.accessKeyId, credentialScope, date, region, service, signedHeaders, timestamp, sessionToken: undefined, expiresIn: undefined },
    credentials.secretAccessKey,
  );
  const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${credentialScope}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`;
  const answer = await fetch(endpoint, { method: 'POST', headers: { ...headers, authorization }, body });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${service} ${parameters['Action']}: ${answer.status} ${text}`);
  return text;
}
