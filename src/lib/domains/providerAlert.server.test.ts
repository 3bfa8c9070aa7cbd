import { afterAll, beforeEach, expect, it } from 'vitest';
import { cloudflareDocument } from '../../sandbox/cloudflare/state.ts';
import { startCloudflare } from '../../sandbox/cloudflare/server.ts';
import { Kernel } from '../../sandbox/kernel/kernel.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { eventually, testQueue } from '../../../tests/setup/queue.ts';
import { db } from '#lib/core/db.server.ts';
import { notificationSentence, subjectHref } from '../notifications/sentences.ts';
import { cloudflareClient } from '../settings/clients.server.ts';
import { alertOfPause } from './providerAlert.server.ts';
import { providerBudget } from './providerBudget.server.ts';

await testDatabase();
const kernel = new Kernel({ dataDir: null, speed: 0 });
const standIn = await startCloudflare(kernel, { port: 0 });
afterAll(() => standIn.close());
process.env.CLOUDFLARE_API_URL = standIn.url;
process.env.CLOUDFLARE_API_TOKEN = standIn.token;
process.env.CLOUDFLARE_ACCOUNT_ID = standIn.accountId;
await testQueue({ work: true });

const alerts = () => db.alert.findMany({ where: { rule: 'domains.provider-paused' } });
/** The wait is over by the clock of the database. */
const over = () => db.$executeRaw`UPDATE provider_pauses SET until = clock_timestamp()`;

beforeEach(async () => {
	kernel.reset();
	await db.$executeRaw`DELETE FROM pgboss.job WHERE name = 'domains.provider-alert'`;
	await db.providerUse.deleteMany();
	await db.providerPause.deleteMany();
	await db.alert.deleteMany();
});

it('a 429 opens an alert at once, and the end of the wait closes it', async () => {
	Object.assign(cloudflareDocument(kernel).get().rate_limit, { enforced: true, requests: 0 });
	const client = await cloudflareClient();
	await expect(client.zones.list()).rejects.toMatchObject({ kind: 'rate_limited', status: 429 });
	const [alert] = await eventually(async () => {
		const open = await alerts();
		return open.length > 0 && open;
	});
	expect(alert).toMatchObject({
		...{ subjectType: 'provider', subjectId: 'cloudflare', severity: 'warning', closedAt: null }
	});
	expect(notificationSentence(alert!.rule, alert!.data)).toContain('Cloudflare');
	expect(subjectHref(alert)).toBe('/admin/settings?tab=cloudflare');
	expect((await providerBudget()).pause).not.toBeNull();

	// While it lasts it is one alert, however often somebody looks.
	await alertOfPause('cloudflare');
	expect(await alerts()).toHaveLength(1);

	await over();
	await alertOfPause('cloudflare');
	expect(await alerts()).toMatchObject([{ closedAt: expect.any(Date) }]);
	expect((await providerBudget()).pause).toBeNull();
});

it('a wait that Cloudflare ends soon is closed by itself', async () => {
	kernel.faults.add({ target: 'cloudflare', match: '/zones', kind: 'status', status: 429 });
	await (await cloudflareClient()).zones.list().catch(() => undefined);
	await eventually(async () => (await alerts()).length > 0);
	// Who looks at the end of the wait was asked for when it began.
	const [waiting] = await eventually(async () => {
		const rows = await db.$queryRaw<{ start_after: Date }[]>`
			SELECT start_after FROM pgboss.job
			WHERE name = 'domains.provider-alert' AND singleton_key = 'cloudflare' AND state = 'created'`;
		return rows.length > 0 && rows;
	});
	const pause = await db.providerPause.findUniqueOrThrow({ where: { vendor: 'cloudflare' } });
	expect(waiting!.start_after.getTime()).toBeGreaterThan(pause.until.getTime());
	await over();
	await db.$executeRaw`UPDATE pgboss.job SET start_after = now() WHERE name = 'domains.provider-alert'`;
	await eventually(async () => (await alerts()).every(({ closedAt }) => closedAt !== null));
	expect(await alerts()).toHaveLength(1);
});
