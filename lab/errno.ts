// Tells one system error from another, so that a catch can name what it expects.

/** Is `error` a Node system error with one of these codes (for example ENOENT)? */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
}
