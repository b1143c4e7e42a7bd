// Build ids for workflow tests: files share a server, on which a build id serves once (F5), so that each file has a day of its own.

const USERS = ['answers', 'bootstrap', 'break-glass', 'cli', 'decide', 'failure-modes', 'gate-repair', 'interrupt', 'kubernetes-gone', 'on-failure', 'orphans', 'own-policy', 'protections', 'takeover', 'teardown'] as const;

/** Gives build ids of the day that belongs to the test file alone. At most 99. */
export function buildIdsOf(file: (typeof USERS)[number]): () => string {
  const day = String(USERS.indexOf(file) + 1).padStart(2, '0');
  let number = 0;
  return () => `${day}-02-26-${String((number += 1)).padStart(2, '0')}`;
}
