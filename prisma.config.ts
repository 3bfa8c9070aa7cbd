// The CLI wants to download its native engine even for `generate`, which needs none; any executable satisfies it.
// Never run `prisma migrate` with this setting: it silently does nothing. Use `npm run db:migrate`.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

import { defineConfig } from 'prisma/config';

export default defineConfig({
	schema: 'prisma',
	migrations: { path: 'prisma/migrations' }
});
