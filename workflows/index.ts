// The workflows that the worker's bundle registers; names as in messages.ts.
export { bootstrapPlatform } from './bootstrap-platform.ts';
export { databaseApply } from './database-apply.ts';
export { databaseCheck } from './database-check.ts';
export { databaseCreate } from './database-create.ts';
export { databaseDestroy } from './database-destroy.ts';
export { findOrphans } from './find-orphans.ts';
export { lateSweep } from './late-sweep.ts';
export { previewTeardown } from './preview-teardown.ts';
export { removeOrphans } from './remove-orphans.ts';
export { teardownPlatform } from './teardown-platform.ts';
export { verifyVersions } from './verify-versions.ts';
