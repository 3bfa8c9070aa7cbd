import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startCloudflare } from '../../../sandbox/cloudflare/server.ts';
import { cloudflareDocument } from '../../../sandbox/cloudflare/state.ts';
import { writeConfig } from '../../../sandbox/cloudflare/tunnels.ts';
import { Kernel } from '../../../sandbox/kernel/kernel.ts';
import { createUnplacedTenant } from '../../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { testQueue } from '../../../../tests/setup/queue.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { SYSTEM } from '../../logs/audit.server.ts';
import { tuning } from '../../settings/clients.server.ts';
import { appUrl } from './derivedIngress.server.ts';
import { edgeHostForm } from './edgeHostForms.ts';
import { EDGE_HOST_LIST, listEdgeHosts } from './edgeHostList.server.ts';
import { addEdgeHost, editEdgeHost, removeEdgeHost } from './edgeHosts.server.ts';
import { converge } from './tunnels.server.ts';
import { applyChanges } from '../records/applyRecordChanges.server.ts';
import { lookAtRecords } from '../records/records.server.ts';
import { parseListQuery } from '#lib/ui/list-query.ts';

await testDatabase();
const kernel = new Kernel({ dataDir: null, speed: 0 });
const standIn = await startCloudflare(kernel, { port: 0 });
afterAll(() => standIn.close());
process.env.CLOUDFLARE_API_URL = standIn.url;
process.env.CLOUDFLARE_API_TOKEN = standIn.token;
process.env.CLOUDFLARE_ACCOUNT_ID = standIn.accountId;
tuning.cloudflareTimeoutMs = 1_000;
await testQueue({ work: false });

const by = SYSTEM;
const CATCH_ALL = { service: 'http_status:404' };
let tunnelId = '';

beforeEach(async () => {
	kernel.reset();
	await db.tenant.deleteMany({});
	await db.edgeHost.deleteMany({});
	await db.baseDomain.deleteMany({});
	await db.tunnel.deleteMany({});
	const tunnel = await db.tunnel.create({
		data: {
			...{ cloudflareId: standIn.tunnelId, name: 'tests' },
			baseDomains: {
				create: {
					...{ name: 'sajet.us', zoneId: standIn.zoneId, isDefault: true },
					target: 'customers.sajet.us'
				}
			},
			edgeHosts: { create: { hostname: 'erp.sajet.us', service: appUrl() } }
		}
	});
	tunnelId = tunnel.id;
});

const remote = () =>
	cloudflareDocument(kernel)
		.get()
		.tunnels.find(({ id }) => id === standIn.tunnelId)!;
const there = () => remote().config?.ingress ?? [];
const input = (over: Record<string, string> = {}) =>
	edgeHostForm.parse({ hostname: 'status.sajet.us', service: 'http://10.0.0.5:3000', ...over });
const add = (over: Record<string, string> = {}) =>
	transaction((tx) => addEdgeHost(tx, tunnelId, input(over), { by }));
const edit = (id: string, over: Record<string, string> = {}) =>
	transaction((tx) => editEdgeHost(tx, tunnelId, id, input(over), { by }));
const remove = (id: string) => transaction((tx) => removeEdgeHost(tx, tunnelId, id, { by }));
const fieldsOf = (work: Promise<unknown>) =>
	work.then(
		() => null,
		(error: { fields?: object }) => Object.keys(error.fields ?? {})
	);
const list = async (search = '') =>
	(
		await listEdgeHosts(
			db,
			tunnelId,
			parseListQuery(new URL(`http://x/?${search}`), EDGE_HOST_LIST)
		)
	).rows;

describe('a host', () => {
	test('is in the tunnel after each change, with its options, before instances', async () => {
		const host = await add({ options: '{"noTLSVerify": true}' });
		await converge(tunnelId);
		expect(there()).toContainEqual({
			...{ hostname: 'status.sajet.us', service: 'http://10.0.0.5:3000' },
			originRequest: { noTLSVerify: true }
		});
		await edit(host.id, { service: 'http://10.0.0.6:80', path: '^/up' });
		await converge(tunnelId);
		expect(there()).toContainEqual({
			...{ hostname: 'status.sajet.us', path: '^/up', service: 'http://10.0.0.6:80' }
		});
		await remove(host.id);
		await converge(tunnelId);
		expect(there().map(({ hostname }) => hostname)).not.toContain('status.sajet.us');
		const audited = await db.auditEntry.findMany({ where: { subjectId: tunnelId } });
		expect(audited.map(({ action }) => action).toSorted()).toEqual([
			...['tunnels.add-host', 'tunnels.edit-host', 'tunnels.remove-host']
		]);
	});

	test('asks for the tunnel’s convergence in the same transaction', async () => {
		const wanted = async () =>
			(await db.tunnel.findUniqueOrThrow({ where: { id: tunnelId } })).wantedVersion;
		const before = await wanted();
		const host = await add();
		await edit(host.id, { service: 'http://10.0.0.6:80' });
		await remove(host.id);
		expect(await wanted()).toBe(before + 3);
	});

	test('of an instance, of a name that is reserved or that customers point at is refused', async () => {
		const tenant = await createUnplacedTenant(db, { slug: 'acme' });
		await db.nameReservation.create({ data: { slug: 'held', tenantId: tenant.id } });
		expect(await fieldsOf(add({ hostname: 'acme.sajet.us' }))).toEqual(['hostname']);
		expect(await fieldsOf(add({ hostname: 'held.sajet.us' }))).toEqual(['hostname']);
		expect(await fieldsOf(add({ hostname: 'customers.sajet.us' }))).toEqual(['hostname']);
		expect(await db.edgeHost.count()).toBe(1);
	});

	test('twice is refused, also without a path', async () => {
		await add();
		expect(await fieldsOf(add())).toEqual(['hostname']);
		expect(await fieldsOf(add({ path: '^/api' }))).toBeNull();
	});

	test.each([
		[{ hostname: '*' }, 'hostname'],
		[{ hostname: 'no spaces.com' }, 'hostname'],
		[{ service: 'nonsense' }, 'service'],
		[{ service: 'http://' }, 'service'],
		[{ path: '(' }, 'path'],
		[{ options: '[1]' }, 'options'],
		[{ options: '{' }, 'options']
	])('typed as %j is refused beside its field', (over, field) => {
		const parsed = edgeHostForm.safeParse({
			...{ hostname: 'status.sajet.us', service: 'http://10.0.0.5:3000', ...over }
		});
		expect(parsed.error?.issues.map(({ path }) => path[0])).toEqual([field]);
	});
});

describe('the control plane’s own', () => {
	test('stays while it is the only one that leads here, with the reason', async () => {
		const [own] = await list();
		expect(own!.stays).toMatch(/\w/);
		expect(await fieldsOf(remove(own!.id))).toEqual(['confirm']);
		expect(await fieldsOf(edit(own!.id, { hostname: 'x.sajet.us' }))).toEqual(['hostname']);
		await add({ hostname: 'gestion.sajet.us', service: appUrl() });
		expect(await fieldsOf(remove(own!.id))).toBeNull();
	});
});

describe('an adopted one', () => {
	test('is listed as such, and gone from the tunnel once it is removed', async () => {
		const grafana = {
			...{ hostname: 'grafana.sajet.us', service: 'https://10.9.9.9:3000' },
			originRequest: { noTLSVerify: true }
		};
		await add();
		writeConfig(remote(), { ingress: [grafana, CATCH_ALL] }, new Date().toISOString());
		await converge(tunnelId);
		await remove((await list('q=status'))[0]!.id);
		const [adopted] = await list('kind=adopted');
		expect(adopted).toMatchObject({ hostname: 'grafana.sajet.us', adopted: true, stays: null });
		expect(JSON.parse(adopted!.options)).toEqual({ noTLSVerify: true });
		expect((await list('kind=own')).map(({ hostname }) => hostname)).toEqual(['erp.sajet.us']);
		expect((await list('q=grafana')).map(({ id }) => id)).toEqual([adopted!.id]);
		await remove(adopted!.id);
		await converge(tunnelId);
		expect(there().map(({ hostname }) => hostname)).toEqual(['erp.sajet.us', undefined]);
		expect(await db.edgeHost.count({ where: { adopted: true } })).toBe(0);
		// Once it is gone, whoever writes it again is somebody else, and is kept.
		await add({ hostname: 'up.sajet.us' });
		writeConfig(remote(), { ingress: [grafana, CATCH_ALL] }, new Date().toISOString());
		await converge(tunnelId);
		expect((await list('kind=adopted')).map(({ hostname }) => hostname)).toEqual([
			'grafana.sajet.us'
		]);
	});
});

describe('the record of its name', () => {
	const records = () =>
		cloudflareDocument(kernel)
			.get()
			.records.filter(({ name }) => name.endsWith('.sajet.us'))
			.map(({ name, type, content, comment }) => ({ name, type, content, comment }));
	/** What was asked for, as the queue would carry it out. */
	const apply = async () => {
		const waiting = await db.recordChange.findMany({
			where: { status: 'waiting' },
			distinct: ['batchId'],
			orderBy: { createdAt: 'asc' }
		});
		for (const { batchId } of waiting) await applyChanges(batchId);
	};
	const statuses = async () =>
		(await db.recordChange.findMany({ orderBy: { id: 'asc' } })).map(
			({ act, name, status, reason }) => [act, name, reason ?? status].join(' ')
		);
	const target = `${standIn.tunnelId}.cfargotunnel.com`;
	beforeEach(() => db.recordChange.deleteMany({}));

	test('is made with it, follows it, and goes with it', async () => {
		const host = await add({ dns: 'on' });
		await apply();
		expect(records()).toEqual([
			{
				...{ name: 'status.sajet.us', type: 'CNAME', content: target },
				comment: `erpcore host ${host.id}`
			}
		]);
		await edit(host.id, { hostname: 'estado.sajet.us', dns: 'on' });
		await apply();
		expect(records().map(({ name }) => name)).toEqual(['estado.sajet.us']);
		await edit(host.id, { hostname: 'estado.sajet.us' });
		await apply();
		expect(records()).toEqual([]);
		await edit(host.id, { hostname: 'estado.sajet.us', dns: 'on' });
		await apply();
		expect(records()).toHaveLength(1);
		await remove(host.id);
		await apply();
		expect(records()).toEqual([]);
		expect(await statuses()).toEqual([
			'create status.sajet.us done',
			'delete status.sajet.us done',
			'create estado.sajet.us done',
			'delete estado.sajet.us done',
			'create estado.sajet.us done',
			'delete estado.sajet.us done'
		]);
	});

	test('is one for all rules of the name, and stays while one of them wants it', async () => {
		const first = await add({ dns: 'on' });
		const second = await add({ dns: 'on', path: '^/api' });
		await apply();
		expect(records().map(({ comment }) => comment)).toEqual([`erpcore host ${first.id}`]);
		await remove(first.id);
		await apply();
		expect(records().map(({ comment }) => comment)).toEqual([`erpcore host ${second.id}`]);
	});

	test('of somebody else is not touched, and nothing is asked for where the zone is not ours', async () => {
		const foreign = { type: 'A', name: 'status.sajet.us', content: '203.0.113.5', proxied: false };
		const answer = await fetch(`${standIn.url}/zones/${standIn.zoneId}/dns_records`, {
			method: 'POST',
			headers: {
				authorization: `Bearer ${standIn.token}`,
				'content-type': 'application/json'
			},
			body: JSON.stringify(foreign)
		});
		expect(answer.ok).toBe(true);
		const host = await add({ dns: 'on' });
		await apply();
		expect(records().map(({ content }) => content)).toEqual(['203.0.113.5']);
		expect(await statuses()).toEqual(['create status.sajet.us taken']);
		await remove(host.id);
		await apply();
		expect(records()).toHaveLength(1);
		expect(await fieldsOf(add({ hostname: 'erp.cliente.com', dns: 'on' }))).toEqual(['dns']);
		expect(await db.edgeHost.count({ where: { hostname: 'erp.cliente.com' } })).toBe(0);
	});

	test('is missing for staff to see when it went away at Cloudflare', async () => {
		const host = await add({ dns: 'on' });
		await lookAtRecords();
		expect(
			await db.zoneRecord.findMany({
				where: { ownerKind: 'host' },
				select: { standing: true, name: true, ownerId: true }
			})
		).toEqual([{ standing: 'missing', name: 'status.sajet.us', ownerId: host.id }]);
	});
});
