// Asks a worker what a teardown would do (X5, item 8).
import type { Client } from '@temporalio/client';
import type { TeardownPreview } from '../domain/teardown-preview.ts';
import { PREVIEW, type PreviewInput } from '../workflows/messages.ts';
import { look } from './look.ts';
import type { Prepared } from './request.ts';

/** The preview of the prepared teardown. Throws as `look` does. */
export async function previewTeardown(client: Client, prepared: Prepared): Promise<TeardownPreview> {
  const { plan, request } = prepared;
  const input: PreviewInput = { plan, requester: request.requester };
  return look(client, prepared, { type: PREVIEW, kind: 'preview', noun: 'preview', input, summary: `Preview of a teardown of ${plan.target.cluster}; changes nothing` });
}
