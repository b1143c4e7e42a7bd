import { expect, it } from 'vitest';
import { scramVerifier } from '../../../domain/scram.ts';

it('R2: the verifier of RFC 7677\'s example, as PostgreSQL keeps it', () => {
  const salt = Uint8Array.from(atob('W22ZaJ0SNY7soEsUEjb6gQ=='), (char) => char.charCodeAt(0));
  expect(scramVerifier('pencil', salt)).toBe('SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=');
});

it('R2: a password that would need normalising is refused, and not shown', () => {
  for (const password of ['', 'pass word', 'pässword', 'a\0b']) expect(() => scramVerifier(password, new Uint8Array(16))).toThrow('a password for PostgreSQL must be printable ASCII');
});
