// A self-signed certificate for 127.0.0.1 (RFC 5280), for the OIDC issuers: Node has no call for making one, and the lab
// needs no openssl.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

export interface Certificate { cert: string; key: string }

const ECDSA_WITH_SHA256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const COMMON_NAME = [0x55, 0x04, 0x03];
const SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS = [0x55, 0x1d, 0x13];
const DAY_MS = 86_400_000;

/**
 * A certificate with a P-256 key for the addresses of loopback and for further DNS names, its own authority, good from
 * yesterday for a year.
 * @param commonName the subject
 */
export function selfSigned(commonName: string, { now = new Date(), dnsNames = [] }: { now?: Date; dnsNames?: readonly string[] } = {}): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = der(0x30, der(0x31, der(0x30, oid(COMMON_NAME), der(0x0c, Buffer.from(commonName)))));
  const algorithm = der(0x30, oid(ECDSA_WITH_SHA256));
  const names = der(0x30, der(0x87, Buffer.from([127, 0, 0, 1])), der(0x82, Buffer.from('localhost')), ...dnsNames.map((dnsName) => der(0x82, Buffer.from(dnsName))));
  const serial = randomBytes(16);
  serial[0] = (serial[0] ?? 0) & 0x7f | 0x01; // positive, and never a zero first octet
  const body = der(0x30,
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, serial),
    algorithm,
    name,
    der(0x30, time(new Date(now.getTime() - DAY_MS)), time(new Date(now.getTime() + 365 * DAY_MS))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30,
      der(0x30, oid(SUBJECT_ALT_NAME), der(0x04, names)),
      der(0x30, oid(BASIC_CONSTRAINTS), der(0x01, Buffer.from([0xff])), der(0x04, der(0x30, der(0x01, Buffer.from([0xff]))))),
    )),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, privateKey));
  return {
    cert: pem(der(0x30, body, algorithm, signature)),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** Tag, length, content (X.690). */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const oid = (octets: readonly number[]): Buffer => der(0x06, Buffer.from(octets));

/** UTCTime: YYMMDDHHMMSSZ. */
function time(at: Date): Buffer {
  return der(0x17, Buffer.from(at.toISOString().replaceAll(/[-:T]|\.\d+/g, '').slice(2)));
}

function pem(bytes: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${(bytes.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;
}
