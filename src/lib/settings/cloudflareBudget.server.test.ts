import { afterAll, beforeEach, expect, it } from 'vitest';
import { cloudflareDocument } from '../../sandbox/cloudflare/state.ts';
import { startCloudflare } from '../../sandbox/cloudflare/server.ts';
import { Kernel } from '../../sandbox/kernel/kernel.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { refusalIn } from '#lib/core/errors.ts';
import { CloudflareError } from '#lib/integrations/cloudflare/errors.ts';
import { SYSTEM } from '#lib/logs/audit.server.ts';
import { budgetOf } from '#lib/logs/budget.server.ts';
import { cloudflareAllowance, cloudflareClient } from './clients.server.ts';
import { forgetSettings, saveSetting } from './settings.server.ts';

await testDatabase();
const kernel = new Kernel({ dataDir: null, speed: 0 });
const standIn = await startCloudflare(kernel, { port: 0 });
afterAll(() => standIn.close());
process.env.CLOUDFLARE_API_URL = standIn.url;
process.env.CLOUDFLARE_API_TOKEN = standIn.token;
process.env.CLOUDFLARE_ACCOUNT_ID = standIn.accountId;
const { zoneId } = standIn;

beforeEach(async () => {
	kernel.reset();
	await db.providerUse.deleteMany();
	await db.providerPause.deleteMany();
	await db.vendorCall.deleteMany();
	await db.setting.deleteMany();
	forgetSettings();
});

const sent = () => kernel.calls.list({ vendor: 'cloudflare', match: '' }).length;
const budget = async () => budgetOf('cloudflare', await cloudflareAllowance());
const allow = (limit: number) =>
	transaction((tx) => saveSetting(tx, 'cloudflare.calls_per_window', limit, SYSTEM, 0));
const enforce = (requests: number) =>
	Object.assign(cloudflareDocument(kernel).get().rate_limit, { enforced: true, requests });

/** Another program with the same token. @returns the status of its answer */
async function somebodyElse(): Promise<number> {
	const headers = { authorization: `Bearer ${standIn.token}` };
	return (await fetch(`${standIn.url}/zones`, { headers })).status;
}

async function failure(call: Promise<unknown>): Promise<CloudflareError> {
	const error = await call.then(
		() => null,
		(caught: unknown) => caught
	);
	if (!(error instanceof CloudflareError)) throw new Error('it did not fail as Cloudflare does');
	return error;
}

it('every request counts: each page of a list, and each time that a read is tried', async () => {
	const client = await cloudflareClient();
	const made = await client.dns.createCname({
		...{ zoneId, name: 'acme.sajet.us', target: 'x.cfargotunnel.com', comment: 'mark' }
	});
	const { records } = cloudflareDocument(kernel).get();
	const first = records.find(({ id }) => id === made.id)!;
	for (let n = 0; n < 1100; n += 1)
		records.push({ ...first, id: `copy${n}`, name: `n${n}.sajet.us` });
	expect(await client.dns.findByComment(zoneId, 'mark')).toHaveLength(1101);
	expect(sent()).toBeGreaterThan(2);
	expect((await budget()).used).toMatchObject({ user: sent(), sync: 0, other: 0 });

	kernel.faults.add({ target: 'cloudflare', match: '/zones', kind: 'malformed', times: 9 });
	await failure((await cloudflareClient({}, 'sync')).zones.list());
	expect((await budget()).used).toMatchObject({ sync: 3, total: sent() });
});

it('what is refused is not sent, and says when to try again', async () => {
	await allow(10);
	const client = await cloudflareClient();
	for (let n = 0; n < 10; n += 1) await client.zones.get(zoneId);
	const before = sent();
	const error = await failure(
		client.dns.createCname({ zoneId, name: 'b.sajet.us', target: 'x.example', comment: 'b' })
	);
	expect(error).toMatchObject({
		kind: 'rate_limited',
		operation: 'dns.create',
		status: null,
		retryable: true,
		ambiguous: false,
		isAway: false
	});
	expect(error.retryAfterMs).toBeGreaterThan(60_000);
	expect(refusalIn(error)).toMatchObject({ code: 'VENDOR_BUSY', params: { vendor: 'Cloudflare' } });
	expect(sent()).toBe(before);
	// Its row says that it failed, not that its effect is unknown.
	expect(await db.vendorCall.findMany({ select: { status: true, httpStatus: true } })).toEqual([
		{ status: 'failed', httpStatus: null }
	]);
});

it('background work leaves to people what is theirs', async () => {
	await allow(10);
	const sync = await cloudflareClient({}, 'sync');
	for (let n = 0; n < 6; n += 1) await sync.zones.get(zoneId);
	expect((await failure(sync.zones.get(zoneId))).kind).toBe('rate_limited');
	const user = await cloudflareClient();
	for (let n = 0; n < 4; n += 1) expect((await user.zones.get(zoneId)).id).toBe(zoneId);
	expect((await failure(user.zones.get(zoneId))).kind).toBe('rate_limited');
	expect((await budget()).freeAt.user).toBeInstanceOf(Date);
});

it('429 stops everybody for as long as Cloudflare asks, without another request', async () => {
	enforce(2);
	for (let n = 0; n < 3; n += 1) await somebodyElse();
	const [one, another] = [await cloudflareClient(), await cloudflareClient({}, 'sync')];
	expect((await failure(one.zones.get(zoneId))).status).toBe(429);
	const before = sent();
	const error = await failure(another.zones.get(zoneId));
	expect(error).toMatchObject({ kind: 'rate_limited', status: null });
	expect(error.retryAfterMs).toBeGreaterThan(250_000);
	expect(sent()).toBe(before);
	expect((await budget()).pause).toMatchObject({ reason: expect.stringContaining('429') });
	// The pause is over, and so is Cloudflare's.
	kernel.clock.advance(301_000);
	await db.$executeRaw`UPDATE provider_pauses SET until = clock_timestamp()`;
	expect((await another.zones.get(zoneId)).id).toBe(zoneId);
});

it('what others use with the same token is missing from ours', async () => {
	enforce(1200);
	for (let n = 0; n < 5; n += 1) expect(await somebodyElse()).toBe(200);
	const client = await cloudflareClient();
	await client.zones.get(zoneId);
	expect((await budget()).used).toEqual({ user: 1, sync: 0, other: 5, total: 6 });
	await client.zones.get(zoneId);
	expect((await budget()).used).toEqual({ user: 2, sync: 0, other: 5, total: 7 });
});

it('a call that cannot be counted is not sent, and changed nothing', async () => {
	const client = await cloudflareClient();
	await db.$executeRaw`ALTER FUNCTION take_provider_call RENAME TO gone`;
	try {
		const error = await failure(client.zones.get(zoneId));
		expect(error).toMatchObject({ kind: 'unreachable', retryable: true, ambiguous: false });
		expect(sent()).toBe(0);
	} finally {
		await db.$executeRaw`ALTER FUNCTION gone RENAME TO take_provider_call`;
	}
});
