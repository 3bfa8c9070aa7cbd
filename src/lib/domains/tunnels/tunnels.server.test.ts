import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startCloudflare } from '../../../sandbox/cloudflare/server.ts';
import { cloudflareDocument } from '../../../sandbox/cloudflare/state.ts';
import { writeConfig } from '../../../sandbox/cloudflare/tunnels.ts';
import type { Fault } from '../../../sandbox/kernel/faults.ts';
import { Kernel } from '../../../sandbox/kernel/kernel.ts';
import { createUnplacedTenant } from '../../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { eventually, testQueue } from '../../../../tests/setup/queue.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { enqueue } from '#lib/core/queue.server.ts';
import { tuning } from '../../settings/clients.server.ts';
import { converge, convergence, requestConvergence } from './tunnels.server.ts';

await testDatabase();
const kernel = new Kernel({ dataDir: null, speed: 0 });
const standIn = await startCloudflare(kernel, { port: 0 });
afterAll(() => standIn.close());
process.env.CLOUDFLARE_API_URL = standIn.url;
process.env.CLOUDFLARE_API_TOKEN = standIn.token;
process.env.CLOUDFLARE_ACCOUNT_ID = standIn.accountId;
process.env.CLOUDFLARE_TUNNEL_ID = standIn.tunnelId;
tuning.cloudflareTimeoutMs = 1_000;
await testQueue({ work: true });
// A fault costs no waiting.
await db.$executeRaw`UPDATE pgboss.queue SET retry_delay = 0, retry_backoff = false WHERE name = 'tunnels.converge'`;
// In none of these tests may what was reported as applied be taken back.
await db.$executeRawUnsafe(`CREATE FUNCTION refuse_going_back() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN RAISE EXCEPTION 'applied_version went back'; END $$`);
await db.$executeRawUnsafe(`CREATE TRIGGER forward BEFORE UPDATE ON tunnels FOR EACH ROW
	WHEN (NEW.applied_version < OLD.applied_version) EXECUTE FUNCTION refuse_going_back()`);

const CATCH_ALL = { service: 'http_status:404' };
let tunnelId = '';

beforeEach(async () => {
	// Jobs of the test before may still be looking, or wait for their turn.
	await db.$executeRaw`DELETE FROM pgboss.job WHERE name LIKE 'tunnels.%' AND state IN ('created', 'retry')`;
	await eventually(async () => {
		const [row] = await db.$queryRaw<{ count: bigint }[]>`
			SELECT count(*) FROM pgboss.job WHERE name LIKE 'tunnels.%' AND state = 'active'`;
		return row!.count === 0n;
	});
	kernel.reset();
	await db.tenant.deleteMany({});
	await db.edgeHost.deleteMany({});
	await db.baseDomain.deleteMany({});
	await db.tunnel.deleteMany({});
	const tunnel = await db.tunnel.create({
		data: {
			cloudflareId: standIn.tunnelId,
			name: 'tests',
			baseDomains: { create: { name: 'sajet.us', zoneId: standIn.zoneId, isDefault: true } },
			edgeHosts: { create: { hostname: 'erp.sajet.us', service: 'http://127.0.0.1:4443' } }
		}
	});
	tunnelId = tunnel.id;
});

/** Publishes a tenant as the saga does. @returns the version to wait for */
async function published(slug: string): Promise<number> {
	const { id } = await createUnplacedTenant(db, { slug });
	return transaction(async (tx) => {
		await tx.tenant.update({ where: { id }, data: { published: true } });
		return requestConvergence(tx, tunnelId);
	});
}

const remote = () => {
	const found = cloudflareDocument(kernel)
		.get()
		.tunnels.find(({ id }) => id === standIn.tunnelId);
	if (!found) throw new Error('the stand-in lost its tunnel');
	return found;
};
const hostsThere = () => (remote().config?.ingress ?? []).map(({ hostname }) => hostname);
const puts = () =>
	kernel.calls.list({ vendor: 'cloudflare', match: '^PUT .*/configurations$' }).length;
const applied = (version: number) =>
	eventually(async () => (await convergence(db, tunnelId, version)).applied);
/** Somebody writes at Cloudflare without us. */
const meddle = (ingress: { hostname?: string; path?: string; service: string }[]) =>
	writeConfig(remote(), { ...remote().config, ingress }, new Date().toISOString());

describe('convergence', () => {
	test('a request writes what the rows derive, and says when it is there', async () => {
		const version = await published('acme');
		expect((await convergence(db, tunnelId, version)).applied).toBe(false);
		await applied(version);
		expect(remote().config?.ingress).toEqual([
			{ hostname: 'erp.sajet.us', service: 'http://127.0.0.1:4443' },
			{ hostname: 'acme.sajet.us', service: 'http://127.0.0.1:4443' },
			CATCH_ALL
		]);
		const tunnel = await db.tunnel.findUniqueOrThrow({ where: { id: tunnelId } });
		expect(tunnel).toMatchObject({ wantedVersion: version, appliedVersion: version, error: null });
		expect(tunnel.appliedHash).toMatch(/^[0-9a-f]{64}$/);
	});

	test('twenty requests at once share few writes', async () => {
		const slugs = Array.from({ length: 20 }, (_, n) => `t${n}`);
		const versions = await Promise.all(slugs.map(published));
		await applied(Math.max(...versions));
		expect(new Set(hostsThere())).toEqual(
			new Set(['erp.sajet.us', ...slugs.map((slug) => `${slug}.sajet.us`), undefined])
		);
		expect(puts()).toBeGreaterThan(0);
		expect(puts()).toBeLessThanOrEqual(5);
	});

	test('nothing is written when it stands there already', async () => {
		await applied(await published('acme'));
		const before = puts();
		await converge(tunnelId);
		expect(puts()).toBe(before);
		expect(hostsThere()).toContain('acme.sajet.us');
	});

	test('a tunnel that was never configured gets its first document', async () => {
		remote().config = null;
		await applied(await published('acme'));
		expect(hostsThere()).toEqual(['erp.sajet.us', 'acme.sajet.us', undefined]);
	});

	test('what the configuration holds besides rules stays', async () => {
		Object.assign(remote().config ?? {}, { 'warp-routing': { enabled: true } });
		await applied(await published('acme'));
		expect(remote().config).toMatchObject({ 'warp-routing': { enabled: true } });
	});
});

describe('another writer', () => {
	const grafana = {
		hostname: 'grafana.sajet.us',
		service: 'https://10.9.9.9:3000',
		originRequest: { noTLSVerify: true }
	};

	test('its rules are adopted as they are, and ours are restored', async () => {
		await applied(await published('acme'));
		meddle([
			{ hostname: '*.sajet.us', service: 'http://10.9.9.8' },
			grafana,
			{ hostname: 'acme.sajet.us', service: 'http://10.6.6.6' },
			CATCH_ALL
		]);
		await applied(await published('beta'));
		expect(remote().config?.ingress).toEqual([
			{ hostname: 'erp.sajet.us', service: 'http://127.0.0.1:4443' },
			grafana,
			{ hostname: 'acme.sajet.us', service: 'http://127.0.0.1:4443' },
			{ hostname: 'beta.sajet.us', service: 'http://127.0.0.1:4443' },
			{ hostname: '*.sajet.us', service: 'http://10.9.9.8' },
			CATCH_ALL
		]);
		expect(await db.edgeHost.count({ where: { tunnelId, adopted: true } })).toBe(2);
	});

	test('the host of a tenant that is gone is nobody’s: its rule goes', async () => {
		await applied(await published('acme'));
		const version = await transaction(async (tx) => {
			await tx.tenant.updateMany({ where: { slug: 'acme' }, data: { published: false } });
			return requestConvergence(tx, tunnelId);
		});
		await applied(version);
		expect(hostsThere()).toEqual(['erp.sajet.us', undefined]);
		expect(await db.edgeHost.count({ where: { adopted: true } })).toBe(0);
	});

	test('one that writes between our write and our look makes us write again', async () => {
		const version = await published('acme');
		// The second look of each round comes after the write: the other one is faster once.
		const put = remote();
		let meddled = false;
		const watch = setInterval(() => {
			if (meddled || put.version < 2) return;
			meddled = true;
			meddle([grafana, CATCH_ALL]);
		}, 1);
		await applied(version).finally(() => clearInterval(watch));
		await transaction((tx) => enqueue(tx, 'tunnels.converge-all', {}));
		await eventually(async () => hostsThere().includes('grafana.sajet.us'));
		await eventually(async () => hostsThere().includes('acme.sajet.us'));
		expect(meddled).toBe(true);
		expect(new Set(hostsThere())).toEqual(
			new Set(['erp.sajet.us', 'grafana.sajet.us', 'acme.sajet.us', undefined])
		);
	});

	test('two that find the same rule at once adopt it once', async () => {
		await published('acme');
		meddle([grafana, CATCH_ALL]);
		await Promise.all([converge(tunnelId), converge(tunnelId)]);
		expect(await db.edgeHost.count({ where: { adopted: true } })).toBe(1);
		expect(hostsThere().filter((host) => host === grafana.hostname)).toHaveLength(1);
	});

	test('the minute’s look finds drift and puts it right', async () => {
		await applied(await published('acme'));
		meddle([CATCH_ALL]);
		await transaction((tx) => enqueue(tx, 'tunnels.converge-all', {}));
		await eventually(async () => hostsThere().includes('acme.sajet.us'));
		expect(hostsThere()).toEqual(['erp.sajet.us', 'acme.sajet.us', undefined]);
	});
});

describe('what fails on the way', () => {
	const kinds: [Fault['kind'], Fault['when']][] = [
		['status', 'before'],
		['status', 'after'],
		['timeout', 'before'],
		['timeout', 'after'],
		['reset', 'before'],
		['reset', 'after'],
		['malformed', 'before'],
		['malformed', 'after']
	];
	test.each(kinds)(
		'the write answers %s, %s its effect: it is there in the end, once applied',
		async (kind, when) => {
			kernel.faults.add({ target: 'cloudflare', match: '^PUT .*/configurations$', kind, when });
			const version = await published('acme');
			await applied(version);
			expect(hostsThere()).toEqual(['erp.sajet.us', 'acme.sajet.us', undefined]);
			expect((await convergence(db, tunnelId, version)).error).toBeNull();
			const calls = await db.vendorCall.findMany({
				where: { operation: 'tunnels.configure', subjectId: tunnelId },
				orderBy: { startedAt: 'asc' }
			});
			expect(calls[0]?.status).not.toBe('succeeded');
			expect(calls).toHaveLength(when === 'before' ? 2 : 1);
		}
	);

	test.each(['status', 'timeout', 'reset', 'malformed'] as const)(
		'the look answers %s: nothing counts as applied before it was read back',
		async (kind) => {
			// Only the looks after the write; each is tried three times, and two runs in a row see nothing.
			let written = false;
			kernel.faults.add({
				...{ target: 'cloudflare', match: '^PUT .*/configurations$', kind: 'delay', ms: 0 },
				onTaken: () => (written = true)
			});
			kernel.faults.add({
				...{ target: 'cloudflare', match: '^GET .*/configurations$', kind, times: 6 },
				only: () => written
			});
			const version = await published('acme');
			await eventually(async () => (await convergence(db, tunnelId, version)).error);
			expect((await convergence(db, tunnelId, version)).applied).toBe(false);
			await applied(version);
			expect(hostsThere()).toContain('acme.sajet.us');
		}
	);

	test('a token without the right is said in words and mends by itself once it has it', async () => {
		const { tokens } = cloudflareDocument(kernel).get();
		const scopes = tokens[0]!.scopes;
		tokens[0]!.scopes = scopes.filter((scope) => scope !== 'tunnel:edit');
		const version = await published('acme');
		const error = await eventually(async () => (await convergence(db, tunnelId, version)).error);
		expect(error).toMatch(/\w/);
		tokens[0]!.scopes = scopes;
		await applied(version);
		expect((await convergence(db, tunnelId, version)).error).toBeNull();
	});
});

test('a worker that comes late takes nothing back', async () => {
	const tenant = await createUnplacedTenant(db, { slug: 'acme' });
	await db.tenant.update({ where: { id: tenant.id }, data: { published: true } });
	kernel.faults.add({
		target: 'cloudflare',
		match: '^PUT .*/configurations$',
		kind: 'delay',
		when: 'after',
		ms: 400
	});
	const late = converge(tunnelId);
	await eventually(async () => hostsThere().includes('acme.sajet.us'));
	await db.tunnel.update({
		where: { id: tunnelId },
		data: { wantedVersion: 9, appliedVersion: 9 }
	});
	await late;
	expect(await db.tunnel.findUniqueOrThrow({ where: { id: tunnelId } })).toMatchObject({
		appliedVersion: 9,
		error: null
	});
});
