// Route 53 answers five calls a second for a whole account; ours leave room for ExternalDNS's (issue 4 § Speed).
import { ListHostedZonesCommand, Route53Client } from '@aws-sdk/client-route-53';
import { expect, test } from 'vitest';
import { pace } from '../../../activities/pace.ts';

/** A client whose calls are answered at once; `at` has the time of each attempt, and the first `refusals` of them are throttled. */
function listening(refusals = 0) {
  const at: number[] = [];
  const client = new Route53Client({
    region: 'eu-west-2', credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    requestHandler: {
      handle() {
        at.push(performance.now());
        const [statusCode, text] = at.length <= refusals ? [400, '<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>'] : [200, '<ListHostedZonesResponse><HostedZones/><IsTruncated>false</IsTruncated><MaxItems>1</MaxItems><Marker/></ListHostedZonesResponse>'];
        return Promise.resolve({ response: { statusCode, headers: { 'content-type': 'application/xml' }, body: new Blob([text]).stream() } });
      },
    },
  });
  return { at, client };
}

const gaps = (at: readonly number[]) => at.slice(1).map((time, index) => time - (at[index] ?? 0));

test('calls that are made at once go out one after the other, at the rate', async () => {
  const { at, client } = listening();
  pace(client, 20);
  await Promise.all(Array.from({ length: 6 }, () => client.send(new ListHostedZonesCommand({}))));
  expect(at).toHaveLength(6);
  expect((at.at(-1) ?? 0) - (at[0] ?? 0)).toBeGreaterThan(240); // five turns of 50 ms, less a timer's grain
});

test("the SDK's own retries take their turn as well", async () => {
  const { at, client } = listening(2);
  pace(client, 4);
  await client.send(new ListHostedZonesCommand({}));
  expect(at).toHaveLength(3);
  expect(Math.min(...gaps(at))).toBeGreaterThan(240);
});
