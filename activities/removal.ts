// Deleting one object after the other, where one that is refused does not keep the others (X4: what is refused becomes residue).
import { GoldenpathError } from '../domain/errors.ts';
import type { Refusal, Removal } from '../domain/removal.ts';
import type { OwnedObject } from '../domain/report.ts';
import { isNamed } from './errors.ts';

/** Something uses the object still. Sources: the services' own error lists; EC2 says InvalidParameterValue of an interface that is in use. */
const IN_USE = [
  'DependencyViolation', 'DeleteConflict', 'DeleteConflictException', 'ResourceInUse', 'ResourceInUseException', 'VolumeInUse', 'InvalidNetworkInterface.InUse', 'InvalidGroup.InUse',
  'InvalidParameterValue', 'IncorrectState', 'IncorrectInstanceState',
];
/** A protection that somebody put on: deletion protection of a load balancer, termination protection of an instance. */
const PROTECTED = ['OperationNotPermitted', 'OperationNotPermittedException'];

/**
 * Deletes the objects in their order. `remove` answers undefined where the object was gone already. A refusal by one of the errors above is
 * returned, every other error is thrown on: a lost permission or a throttled call is nothing of the object's.
 */
export async function removeEach<Item extends Pick<OwnedObject, 'id'>>(items: readonly Item[], line: (item: Item) => string, remove: (item: Item) => Promise<unknown>): Promise<Removal> {
  const removal: Removal = { deleted: [], refused: [] };
  for (const item of items) {
    try {
      if ((await remove(item)) !== undefined) removal.deleted.push(line(item));
    } catch (error) {
      removal.refused.push(refusalOf(item.id, error));
    }
  }
  return removal;
}

function refusalOf(id: string, error: unknown): Refusal {
  const passing = isNamed(error, IN_USE);
  if (!(error instanceof Error) || (!passing && !isNamed(error, PROTECTED))) throw error;
  return { id, why: `${error.name}: ${error.message}`, passing };
}

/** What was deleted, where nothing was refused. Throws Conflict with every refusal otherwise: the server tries again. */
export function demandAll({ deleted, refused }: Removal): string[] {
  if (refused.length === 0) return deleted;
  const problems = refused.map(({ id, why }) => `${id}: ${why}`);
  throw new GoldenpathError('Conflict', `${refused.length} objects cannot be deleted yet: ${problems.join('; ')}`, problems);
}
