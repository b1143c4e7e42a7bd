// The dry run of a teardown as a person reads it: an indented, numbered list. Pure.
import type { NeededApproval, PreviewObject, TeardownPreview } from '../../domain/teardown-preview.ts';
import type { Protection } from '../../domain/protections.ts';
import type { Paint } from './print.ts';

export function previewLines(preview: TeardownPreview, paint: Paint): string[] {
  const { cluster, exists, absence, planHash, hostSuffix, steps, protections, approvals, kept, blocks } = preview;
  if (!exists) return [paint('bold', `There is no platform ${cluster}. A teardown would remove nothing.`), `  ${absence ?? ''}`, ...section('It could not begin', blocks, 'red', paint)];
  return [
    paint('bold', `A teardown of ${cluster} would remove, in this order (nothing was changed):`),
    paint('dim', `  host names in ${hostSuffix}; plan ${planHash}`),
    ...steps.flatMap(({ title, objects }, index) => stepLines(index + 1, title, objects, paint)),
    ...section('What protects it', protections.map(protectionText), 'yellow', paint),
    ...approvals.flatMap((approval) => approvalLines(approval, paint)),
    ...section('What stays', kept.map(objectText), 'green', paint),
    ...(blocks.length === 0 ? ['', paint('green', approvals.length === 0 ? 'Nothing would stop it.' : 'Nothing else would stop it.')] : section('What would stop it before anything is drained', blocks, 'red', paint)),
  ];
}

function stepLines(number: number, title: string, objects: readonly PreviewObject[], paint: Paint): string[] {
  if (objects.length === 0) return [`${number}. ${title}: ${paint('dim', 'nothing')}`];
  return [`${number}. ${paint('bold', title)}`, ...objects.map((object, index) => `   ${number}.${index + 1} ${objectText(object)}`)];
}

function objectText({ kind, id, name, note, objects }: PreviewObject): string {
  const inner = objects === undefined ? '' : `, with its ${objects.length} objects: ${counted(objects)}`;
  const address = id === name || name.includes(id) || id === `${kind} ${name}` ? '' : ` (${id})`;
  // Claims and the like bear their kind in their name already.
  return `${name.startsWith(`${kind} `) ? '' : `${kind} `}${name}${address}${inner}${note === undefined ? '' : `; ${note}`}`;
}

/** `2 Deployment, 1 Service`: a platform has hundreds of objects, `-o json` names each. */
function counted(objects: readonly string[]): string {
  const kinds = Map.groupBy(objects, (object) => object.split(' ')[0] ?? '');
  return [...kinds].map(([kind, all]) => `${all.length} ${kind}`).join(', ') || 'none';
}

function protectionText({ what, willDo, needsApproval }: Protection): string {
  return `${what}; ${needsApproval ? 'with approval: ' : ''}${willDo}`;
}

function approvalLines({ decisions, about, approvals, approvers, requester, signatures }: NeededApproval, paint: Paint): string[] {
  const who = `${approvals} of ${approvers.join(', ') || 'nobody'}`;
  return ['', paint('yellow', `It would ask for a decision (${decisions.join(', ')}) by ${who}, not ${requester}; signatures are ${signatures}; about:`), ...about.map((line) => `  - ${line}`)];
}

function section(title: string, lines: readonly string[], style: 'red' | 'yellow' | 'green', paint: Paint): string[] {
  return lines.length === 0 ? [] : ['', paint(style, title), ...lines.map((line) => `  - ${line}`)];
}
