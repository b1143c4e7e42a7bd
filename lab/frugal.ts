// Memory settings of the lab's processes: a machine with 4 GB should hold a lab with a platform and its tests (issue, "Speed and memory").

/** For Go programs: collect garbage when the heap has grown by half, not doubled. Costs some CPU, saves a fifth of the memory. */
export const FRUGAL_GO: Readonly<Record<string, string>> = { GOGC: process.env['GOGC'] ?? '50' };

/** For Node programs: a small young generation, and code kept lean. Measured on the daemon: 290 MB without, 208 MB with. */
export const FRUGAL_NODE: readonly string[] = ['--max-semi-space-size=4', '--optimize-for-size'];

/**
 * The environment of this process with the settings for a Go program. `limit` is where the collector works harder, e.g. 450MiB. GOGC and GOMEMLIMIT of
 * whoever raises the lab win: where there is memory to spare they buy time (the tests do so; the API server collects for a third of its time otherwise).
 */
export function frugalGo(limit?: string): Record<string, string> {
  const own = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
  return { ...FRUGAL_GO, ...(limit === undefined ? {} : { GOMEMLIMIT: limit }), ...own };
}
