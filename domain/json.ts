// JSON from outside that may be none.

/** What the text says, or undefined where it is not JSON. The parser's own message is dropped: it quotes the text, which may be secret. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
