// ARNs of network load balancers: AWS writes `loadbalancer/net/…`, moto `loadbalancer/app/…` for every kind. The gateway
// shows AWS's form and asks moto in moto's, at any depth of any input or answer.

const ARN = /(:(?:loadbalancer|listener|listener-rule)\/)(app|net)(\/[^/]+\/)([0-9a-f]+)/g;

/** Text as moto knows it. */
export function forMoto(text: string): string {
  return text.replaceAll(ARN, '$1app$3$4');
}

/** Text as AWS writes it; `network` holds the ids of network load balancers. */
export function asOnAws(text: string, network: ReadonlySet<string>): string {
  return text.replaceAll(ARN, (_whole, start: string, _kind: string, name: string, id: string) => `${start}${network.has(id) ? 'net' : 'app'}${name}${id}`);
}

/** A copy of a value with every text in it changed; dates and other objects stay as they are. */
export function everyText<T>(value: T, change: (text: string) => string): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the copy has the shape of the original, text for text
  return copy(value, change) as T;
}

function copy(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => copy(item, change));
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copy(item, change)]));
}
