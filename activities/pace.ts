// Spreads the calls of one SDK client over time: AWS counts Route 53's calls for a whole account, ExternalDNS's among them (issue 4 § Speed).
import { setTimeout as sleep } from 'node:timers/promises';
import type { Route53Client } from '@aws-sdk/client-route-53';

/**
 * Lets each request of the client, each attempt of it by itself, wait for its turn: `perSecond` of them a second, evenly. After a pause the first goes at once.
 * The task queue's own limit counts activities of all workers; one of those makes several calls, at once.
 */
export function pace(client: Route53Client, perSecond: number): void {
  let free = 0;
  client.middlewareStack.add((next) => async (args) => {
    const now = Date.now();
    const turn = Math.max(now, free);
    free = turn + 1_000 / perSecond;
    if (turn > now) await sleep(turn - now);
    return next(args);
  }, { name: 'pace', step: 'finalizeRequest', priority: 'low' }); // inside the SDK's retries
}
