import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import { migrate } from '../../cli/migrate.ts';
import { removePostgres, startPostgres } from '../../cli/postgres.ts';
import { giveAway } from '../../../tests/setup/buyers.ts';
import { tenantIs } from '../../../tests/setup/money.ts';
import { expectNoOrphans, expectNothingLost } from '../../../tests/setup/orphans.ts';
import { testPlatform } from '../../../tests/setup/platform.ts';
import { eventually } from '../../../tests/setup/queue.ts';

// A server of its own: the tests' common one must not be restarted under the others.
const folder = mkdtempSync(join(tmpdir(), 'erp-core-restart-'));
chmodSync(folder, 0o755);
const dataDir = join(folder, 'postgres');
let server = await startPostgres({ dataDir, port: 0 });
afterAll(async () => {
	await db.$disconnect();
	await server.stop();
	removePostgres(dataDir);
	rmSync(folder, { recursive: true, force: true });
});
await migrate(server.url);
process.env.DATABASE_URL = server.url;
process.env.DATABASE_DIRECT_URL = server.url;
const platform = await testPlatform({ ownDatabase: true });

it(
	'a PostgreSQL that is restarted in the middle leaves each set-up whole',
	{ timeout: 240_000 },
	async () => {
		const slugs = ['restart-a', 'restart-b', 'restart-c', 'restart-d'];
		for (const [index, slug] of slugs.entries()) await giveAway(index % 2 ? 'basic' : 'pro', slug);
		await sleep(800);
		const { port } = server;
		await server.stop();
		await sleep(1_000);
		server = await startPostgres({ dataDir, port });
		expect(server.port).toBe(port);
		for (const slug of slugs) {
			const { id } = await tenantIs(slug, 'active');
			await eventually(
				() => db.provisioningJob.findFirst({ where: { subjectId: id, status: 'succeeded' } }),
				60
			);
			await expectNoOrphans(platform, slug);
		}
		await expectNothingLost(platform);
	}
);
