// Is a record's value well formed for its type? Source: Route 53 developer guide, "Supported DNS record types"; the texts
// are those that Route 53 answers, as far as they are on record (README.md names the guessed ones).
import { isIPv4, isIPv6 } from 'node:net';
import { canonicalName, fatal } from './names.ts';

type Check = (value: string) => string | undefined;

/** Why a value is not one of its type, in Route 53's words, or nothing where it is. */
export function valueProblem(type: string, value: string): string | undefined {
  const problem = CHECKS[type]?.(value);
  return problem && `Invalid Resource Record: '${problem}'`;
}

const domainName: Check = (value) => {
  if (/\s/.test(value)) return fatal('UnsupportedCharacter', 'Value contains spaces', value);
  const verdict = canonicalName(value);
  return 'problem' in verdict ? verdict.problem : undefined;
};

const characterStrings: Check = (value) => {
  const rest = value.trim().replace(/"((?:[^"\\]|\\.)*)"\s*/g, (_, text: string) => (lengthOf(text) > 255 ? '?' : ''));
  if (!value.trim().startsWith('"') || (rest !== '' && !/^\?+$/.test(rest))) {
    return fatal('InvalidCharacterString', 'Value should be enclosed in quotation marks', value);
  }
  if (rest !== '') return fatal('CharacterStringTooLong', 'Value is too long', value);
  return value.length > 4000 ? fatal('TXTRDATATooLong', 'TXT record data is too long', value) : undefined;
};

/** `\"` and `\052` are one character each. */
function lengthOf(text: string): number {
  return text.replace(/\\(?:[0-7]{3}|.)/g, 'x').length;
}

function fields(count: number, code: string, name: string, check: (parts: string[], value: string) => string | undefined): Check {
  return (value) => {
    const parts = value.trim().split(/\s+/);
    return parts.length === count ? check(parts, value) : fatal(code, `${name} record doesn't have ${count} fields`, value);
  };
}

function isNumber(text: string | undefined, most: number): boolean {
  return text !== undefined && /^\d+$/.test(text) && Number(text) <= most;
}

const CHECKS: Record<string, Check> = {
  A: (value) => (isIPv4(value) ? undefined : fatal('ARRDATAIllegalIPv4Address', 'Value is not a valid IPv4 address', value)),
  AAAA: (value) => (isIPv6(value) ? undefined : fatal('AAAARRDATAIllegalIPv6Address', 'Value is not a valid IPv6 address', value)),
  CNAME: domainName,
  NS: domainName,
  PTR: domainName,
  TXT: characterStrings,
  SPF: characterStrings,
  MX: fields(2, 'MXRRDATANotTwoFields', 'MX', ([preference, host = ''], value) =>
    isNumber(preference, 65_535) ? domainName(host) : fatal('InvalidMXPreference', 'MX preference is not a number from 0 to 65535', value)),
  SRV: fields(4, 'SRVRRDATANotFourFields', 'SRV', (parts, value) =>
    parts.slice(0, 3).every((part) => isNumber(part, 65_535)) ? domainName(parts[3] ?? '') : fatal('SRVRRDATAInvalidNumber', 'SRV field is not a number from 0 to 65535', value)),
  SOA: fields(7, 'SOARRDATANotSevenFields', 'SOA', (parts, value) =>
    parts.slice(2).every((part) => isNumber(part, 2_147_483_647)) ? undefined : fatal('SOARRDATAInvalidNumber', 'SOA field is not a number', value)),
  CAA: (value) =>
    /^\d{1,3} (?:issue|issuewild|iodef|contactemail|contactphone|issuemail) "[^"]*"$/.test(value)
      ? undefined
      : fatal('CAARRDATAIncorrectFormat', 'CAA record is not of the form: flags tag "value"', value),
};
