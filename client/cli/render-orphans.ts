// Orphans as a person reads them: platform by platform, what there is, why it counts, what a removal would do. Pure.
import { ownedLine } from '../../domain/dns-records.ts';
import type { GonePlatform, OrphanReport } from '../../domain/orphans.ts';
import type { Paint } from './print.ts';
import { tableLines } from './render-words.ts';

export function orphanLines({ environment, zone, platforms, disputed }: OrphanReport, paint: Paint): string[] {
  if (platforms.length + disputed.length === 0) return ['none'];
  return [
    ...platforms.flatMap((platform) => [...platformLines(platform, { environment, zone }, paint), '']),
    ...(disputed.length === 0 ? [] : [paint('bold', 'Disputed: never removed here'), ...disputed.map(({ what, why }) => `  ${what}: ${why}`), '']),
    `${count(platforms.flatMap(({ objects }) => objects).length, 'object')} and ${count(platforms.flatMap(({ records }) => records).length, 'record')} of ${count(platforms.length, 'platform')} that ${platforms.length === 1 ? 'is' : 'are'} gone; nothing was changed`,
  ];
}

function platformLines({ cluster, lifecycle, why, objects, records }: GonePlatform, { environment, zone }: Pick<OrphanReport, 'environment' | 'zone'>, paint: Paint): string[] {
  const rows = [
    ...records.map((record) => [`${record.type} record`, ownedLine(record), `in ${zone}`, 'delete it, once approvers decide repair']),
    ...objects.map((object) => [object.kind, object.name === '' || object.name === object.id ? object.id : `${object.name} (${object.id})`, object.why, object.removable ? 'delete it' : `leave it to you: ${object.whatToDo}`]),
  ];
  return [
    `${paint('bold', cluster)} ${paint('yellow', 'is gone')}: ${why.join('; ')}`,
    ...tableLines(['  KIND', 'WHAT', 'WHY IT COUNTS', 'A REMOVAL WOULD'], rows.map(([kind = '', ...rest]) => [`  ${kind}`, ...rest]), paint),
    ...(lifecycle === 'ephemeral' ? [`  remove with: goldenpath orphans --env ${environment} --remove --confirm ${cluster}`] : ['  a persistent platform: nothing of it is removed by this command']),
  ];
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
