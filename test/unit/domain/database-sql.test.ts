import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planDatabase } from '../../../domain/database-plan.ts';
import { quoteIdentifier, quoteLiteral, sqlOf, stepWords } from '../../../domain/database-sql.ts';
import { identifier, secretState, SPEC, state } from './database-arbitraries.ts';

const anyText = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('"', "'", '\\', ';', '-', '$', 'a', ' ', '\n', 'E') }));
const VERIFIER = 'SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy';

/** How PostgreSQL's lexer reads one quoted token from the start; undefined where the text is no token or goes on behind it. Source: its scan.l. */
function lexed(text: string, quote: '"' | "'"): string | undefined {
  const escapes = quote === "'" && text.startsWith(' E');
  let value = '';
  for (let at = escapes ? 3 : 1; at < text.length; at += 1) {
    const [char, next] = [text.charAt(at), text.charAt(at + 1)];
    if (char === quote && next !== quote) return at === text.length - 1 ? value : undefined;
    if (char === quote || (escapes && char === '\\')) at += 1;
    value += escapes && char === '\\' ? next : char;
  }
  return undefined;
}

describe('quoting', () => {
  it('R1: no name breaks out of its quotes', () => {
    fc.assert(fc.property(anyText, (name) => { expect(lexed(quoteIdentifier(name), '"')).toBe(name); }));
  });

  it('R1: no text breaks out of its quotes, with or without backslashes', () => {
    fc.assert(fc.property(anyText, (text) => { expect(lexed(quoteLiteral(text), "'")).toBe(text); }));
  });

  it('R1: a NUL, which PostgreSQL would cut the text at, is refused', () => {
    expect(() => quoteIdentifier('a\0b')).toThrow('NUL');
    expect(() => quoteLiteral('a\0b')).toThrow('NUL');
  });
});

describe('sqlOf', () => {
  it('R1: a role and its mark are one transaction; a database is made outside of any', () => {
    expect(sqlOf({ kind: 'create-role', role: 'orders', comment: 'ours' }, { verifier: () => VERIFIER })).toEqual({
      database: null, transaction: true,
      statements: [`CREATE ROLE "orders" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD '${VERIFIER}'`, `COMMENT ON ROLE "orders" IS 'ours'`],
    });
    expect(sqlOf({ kind: 'create-database', database: 'orders_db', owner: 'orders' }, { verifier: () => VERIFIER })).toEqual({ database: null, transaction: false, statements: ['CREATE DATABASE "orders_db" OWNER "orders"'] });
  });

  it('R1: one statement a text: no statement of any plan holds another one', () => {
    fc.assert(fc.property(state, secretState, identifier, identifier, (live, secret, database, owner) => {
      const { steps } = planDatabase({ ...SPEC, database, owner }, live, { environment: 'dev', secret, rotate: true });
      for (const step of steps) {
        for (const statement of sqlOf(step, { verifier: () => VERIFIER }).statements) expect(statement.replaceAll(/"[^"]*"|'[^']*'/g, '')).not.toMatch(/[;'"]|--|\/\*/);
      }
    }));
  });

  it('R2: the words of a step hold no password, and only steps that set one its verifier', () => {
    fc.assert(fc.property(state, secretState, (live, secret) => {
      for (const step of planDatabase(SPEC, live, { environment: 'dev', secret, rotate: true }).steps) {
        expect(stepWords(step)).not.toContain('SCRAM');
        expect(sqlOf(step, { verifier: () => VERIFIER }).statements.join('\n').includes(VERIFIER)).toBe(['create-role', 'set-password'].includes(step.kind));
      }
    }));
  });
});
