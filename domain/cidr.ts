// IPv4 address blocks: does one hold the other? (F4: a security group open to a whole VPC is open to its subnets)

/** Whether every address of `inner` is in `outer`. Blocks that are no IPv4 blocks hold only themselves. */
export function covers(outer: string, inner: string): boolean {
  const [wide, narrow] = [parse(outer), parse(inner)];
  if (wide === undefined || narrow === undefined) return outer === inner;
  return wide.bits <= narrow.bits && prefix(wide.address, wide.bits) === prefix(narrow.address, wide.bits);
}

interface Block {
  address: number;
  bits: number;
}

function parse(block: string): Block | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(block)?.slice(1).map(Number);
  if (parts === undefined) return undefined;
  const [bits = 33, octets] = [parts[4], parts.slice(0, 4)];
  if (bits > 32 || octets.some((octet) => octet > 255)) return undefined;
  return { address: octets.reduce((address, octet) => address * 256 + octet, 0), bits };
}

function prefix(address: number, bits: number): number {
  return Math.floor(address / 2 ** (32 - bits));
}
