import { beforeAll, describe, expect, test, vi } from 'vitest';
import { giveAway } from '../../../../tests/setup/buyers.ts';
import { dyingAt } from '../../../../tests/setup/deaths.ts';
import { outside } from '../../../../tests/setup/outside.ts';
import { testPlatform } from '../../../../tests/setup/platform.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import { registrar } from '../../../../tests/setup/registrar.ts';
import { cloudflareDocument } from '../../../sandbox/cloudflare/state.ts';
import type { FaultRequest } from '../../../sandbox/kernel/faults.ts';
import { DAY, MINUTE, now, setClockOffset } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import type { CustomDomain } from '#prisma/generated/client.ts';
import { SYSTEM } from '../../logs/audit.server.ts';
import { tuning } from '../../settings/clients.server.ts';
import { patience as answers } from './answer.server.ts';
import { prepareBase } from '../base/basePrepare.server.ts';
import { checkDomain, takeDown } from './checkDomain.server.ts';
import { addDomain, removeDomain } from './customDomains.server.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const platform = await testPlatform();
const world = outside(platform.sandbox);
const dns = registrar(platform.sandbox);
const { kernel } = platform.sandbox;
// A vendor that never answers costs half a second.
tuning.cloudflareTimeoutMs = 500;
answers.lookMs = 1_000;
// Nor does a job that is tried again.
await db.$executeRaw`UPDATE pgboss.queue SET retry_delay = 0, retry_backoff = false WHERE name = 'tunnels.converge'`;
let tenantId = '';
let count = 0;
/** The records that lead a name here. */
const routes = new Map<string, string>();

beforeAll(async () => {
	const base = await db.baseDomain.findFirstOrThrow({ where: { isDefault: true } });
	await prepareBase(base.id);
	({ tenantId } = await giveAway('basic', 'acme'));
	await eventually(
		async () =>
			(await db.tenant.findUniqueOrThrow({ where: { id: tenantId } })).status === 'active',
		60
	);
});

/** A domain whose customer has set everything; nobody has looked at it yet. */
async function ready(): Promise<CustomDomain> {
	const hostname = `d${++count}.example.com`;
	const [domain] = await transaction((tx) =>
		addDomain(tx, { tenantId, hostname, withSibling: false }, SYSTEM)
	);
	// Its own job is not to be faster than the test.
	await db.$executeRaw`DELETE FROM pgboss.job WHERE name = 'domains.check' AND state = 'created'`;
	routes.set(hostname, await dns.set('CNAME', hostname, 'customers.sajet.us'));
	await dns.set('TXT', domain!.verificationName, domain!.verificationToken);
	return domain!;
}

/** It has stood at Cloudflare for so long that its validation is begun anew; the name leads nowhere yet. */
async function waitForItsName({ id, hostname }: CustomDomain): Promise<void> {
	await dns.unset(routes.get(hostname)!);
	await checkDomain(id, false);
	const hostnameArmedAt = new Date(now().getTime() - 6 * DAY);
	await db.customDomain.update({ where: { id }, data: { hostnameArmedAt } });
}

const hostnames = (name: string) =>
	cloudflareDocument(kernel)
		.get()
		.hostnames.filter((one) => one.hostname === name);

/** Looks until it works, as the clock of the product does. */
async function comesToWork(domain: CustomDomain): Promise<void> {
	await eventually(async () => {
		await checkDomain(domain.id, false);
		return (
			(await db.customDomain.findUniqueOrThrow({ where: { id: domain.id } })).status === 'active'
		);
	}, 60);
	expect(hostnames(domain.hostname)).toHaveLength(1);
	expect(world.rules(domain.hostname)).toHaveLength(2);
	const row = await db.customDomain.findUniqueOrThrow({ where: { id: domain.id } });
	expect(row.cloudflareHostnameId).toBe(hostnames(domain.hostname)[0]!.id);
	expect(row).toMatchObject({ hostnameAdopted: false, error: null, findings: [] });
	expect((await platform.open(domain.hostname, '/web/login')).status).toBe(200);
}

const CALLS: { target: FaultRequest['target']; match: string }[] = [
	{ target: 'cloudflare', match: '^GET .*/custom_hostnames' },
	{ target: 'cloudflare', match: '^POST .*/custom_hostnames' },
	{ target: 'cloudflare', match: '^PATCH .*/custom_hostnames' },
	{ target: 'cloudflare', match: '^GET .*/configurations' },
	{ target: 'cloudflare', match: '^PUT .*/configurations' },
	{ target: 'edge', match: '/web/login' },
	{ target: 'odoo', match: '^GET /web/login' }
];
const FAULTS: Pick<FaultRequest, 'kind' | 'status' | 'when'>[] = [
	{ kind: 'status', status: 500 },
	{ kind: 'status', status: 500, when: 'after' },
	{ kind: 'status', status: 429 },
	{ kind: 'timeout' },
	{ kind: 'timeout', when: 'after' },
	{ kind: 'reset' },
	{ kind: 'malformed' }
];

describe.each(CALLS)('$target $match', (call) => {
	const changes = /^\^(POST|PUT|PATCH)/.test(call.match);
	const faults = FAULTS.filter(({ when }) => changes || when !== 'after');

	test.each(faults)('$kind $status $when: ends in the same state', async (fault) => {
		const domain = await ready();
		const isPatch = call.match.startsWith('^PATCH');
		if (isPatch) await waitForItsName(domain);
		let struck = false;
		const onTaken = () => void (struck = true);
		const { id } = kernel.faults.add({ ...call, ...fault, times: 2, onTaken });
		await checkDomain(domain.id, false);
		await eventually(async () => struck, 20);
		kernel.faults.clear(id);
		// A 429 makes everybody wait; the pause itself has tests of its own.
		await db.providerPause.deleteMany();
		if (isPatch) await dns.set('CNAME', domain.hostname, 'customers.sajet.us');
		await comesToWork(domain);
	});
});

describe('a worker that dies', () => {
	test.each([
		['^GET .*/custom_hostnames', 'before'],
		['^POST .*/custom_hostnames', 'before'],
		['^POST .*/custom_hostnames', 'after']
	] as const)('at %s, %s its effect: the next look goes on', async (match, when) => {
		const domain = await ready();
		const died = await dyingAt(kernel, { target: 'cloudflare', match, when }, () =>
			checkDomain(domain.id, false)
		);
		expect(died).toBe(true);
		await comesToWork(domain);
	});

	test.each(['before', 'after'] as const)(
		'while it takes one down, %s the effect',
		async (when) => {
			const domain = await ready();
			await comesToWork(domain);
			await transaction(async (tx) => {
				const row = await tx.customDomain.findUniqueOrThrow({ where: { id: domain.id } });
				await removeDomain(tx, row, SYSTEM);
				await tx.$executeRaw`DELETE FROM pgboss.job WHERE name = 'domains.remove'`;
			});
			const match = '^DELETE .*/custom_hostnames';
			const died = await dyingAt(kernel, { target: 'cloudflare', match, when }, () =>
				takeDown(domain.id)
			);
			expect(died).toBe(true);
			await takeDown(domain.id);
			expect(hostnames(domain.hostname)).toEqual([]);
		}
	);
});

test('while Cloudflare is away for an hour nothing breaks that worked, and what waits goes on after', async () => {
	const works = await ready();
	await comesToWork(works);
	const waits = await ready();
	const { id } = kernel.faults.add({
		target: 'cloudflare',
		kind: 'status',
		status: 503,
		times: 1e6
	});
	for (let minute = 0; minute <= 60; minute += 10) {
		setClockOffset(minute * MINUTE);
		await checkDomain(works.id, false);
		await checkDomain(waits.id, false);
	}
	const rows = await db.customDomain.findMany({ where: { id: { in: [works.id, waits.id] } } });
	const by = new Map(rows.map((row) => [row.id, row]));
	expect(by.get(works.id)).toMatchObject({ status: 'active', misses: 0 });
	expect(by.get(waits.id)!.status).toBe('verifying');
	expect(by.get(waits.id)!.error).toMatch(/503|Cloudflare/);
	expect(by.get(waits.id)!.nextCheckAt).not.toBeNull();
	expect((await platform.open(works.hostname, '/web/login')).status).toBe(200);
	kernel.faults.clear(id);
	await comesToWork(waits);
	setClockOffset(0);
});
