// IAM's StringLike, for tests: `*` is any run of characters, dots included, `?` exactly one; case counts.

/** Whether IAM's StringLike accepts the value for one of the patterns. */
export function stringLike(value: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const source = pattern.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('*', '.*').replaceAll('?', '.');
    return new RegExp(`^${source}$`, 's').test(value);
  });
}
