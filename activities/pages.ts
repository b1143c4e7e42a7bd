// Listings read to their end: a listing is complete or an error, never a part (failure 36).

/** Every item of every page. `pick` gives a page's items; a page without the list has none. */
export async function allPages<Page, Item>(pages: AsyncIterable<Page>, pick: (page: Page) => readonly Item[] | undefined): Promise<Item[]> {
  const items: Item[] = [];
  for await (const page of pages) items.push(...(pick(page) ?? []));
  return items;
}

/** The items in groups of at most `size`, for calls that take no more. */
export function inGroups<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) => items.slice(index * size, (index + 1) * size));
}

/** The value, or a TypeError where AWS left out what its documentation promises: a bug of one side, no state of the world. */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === undefined || value === null) throw new TypeError(`AWS answered without ${what}`);
  return value;
}
