import { beforeEach, describe, expect, it } from 'vitest';
import { requestEvent } from '../../../../tests/access/event.ts';
import { bearerFor, createStaff } from '../../../../tests/factories/identity.ts';
import { testContainers } from '../../../../tests/setup/containers.ts';
import { db } from '#lib/core/db.server.ts';
import type { Actor } from '#lib/logs/audit.server.ts';
import { askCluster, proxmoxOn } from '#lib/infrastructure/nodes/clients.server.ts';
import { nodeFigures } from '#lib/infrastructure/nodes/figures.server.ts';
import { checkNodes } from '#lib/infrastructure/nodes/nodes.server.ts';
import { rotateToken } from '#lib/infrastructure/nodes/rotateToken.server.ts';

// Every act asks for a look, whose job is in the registry.
await import('#lib/infrastructure/jobs.server.ts');
const { pve } = await testContainers({ work: false });
const { handle } = await import('../../../hooks.server.ts');
const list = await import('./+server.ts');
const one = await import('./[id]/+server.ts');
const service = await import('./[id]/maintenance/+server.ts');

const staff = await createStaff('administrator');
const writer = await bearerFor(staff, ['infrastructure:read', 'infrastructure:write']);
const reader = await bearerFor(staff, ['infrastructure:read']);
const BY: Actor = { kind: 'staff', id: staff.id, label: 'ana@example.com' };
const PVE3 = await db.node.findFirstOrThrow({ where: { name: 'pve3' } });
const row = () => db.node.findUniqueOrThrow({ where: { id: PVE3.id } });
const SECRET = '11111111-0000-4000-8000-000000000000';

type Handler = typeof one.GET;
interface Ask {
	id?: string;
	method?: string;
	body?: object;
	search?: string;
	authorization?: string;
}

async function ask(handler: Handler, { id, search = '', ...rest }: Ask = {}) {
	const { method = 'GET', authorization = writer, body } = rest;
	const path = handler === service.POST || handler === service.DELETE ? '/maintenance' : '';
	const event = requestEvent({
		...{ routeId: `/api/nodes${id ? '/[id]' : ''}${path}`, params: id ? { id } : {}, method },
		headers: { authorization, ...(body ? { 'content-type': 'application/json' } : {}) },
		...(body ? { body: JSON.stringify(body) } : {})
	});
	event.url.search = search;
	const response = await handle({ event, resolve: () => handler(event) });
	return { status: response.status, ...(await response.json()) };
}
const get = (id = PVE3.id) => ask(one.GET, { id });
const patch = (body: object, id = PVE3.id) => ask(one.PATCH, { id, method: 'PATCH', body });
let since = new Date(0);
const entries = () =>
	db.auditEntry.findMany({
		where: { subjectId: PVE3.id, at: { gte: since } },
		select: { action: true, before: true, after: true },
		orderBy: { at: 'asc' }
	});
const acts = async () => (await entries()).map(({ action }) => action);

beforeEach(async () => {
	const { id: _id, health: _health, ...before } = PVE3;
	await db.node.update({ where: { id: PVE3.id }, data: before });
	since = new Date();
});

describe('nodes in the API', () => {
	it('are listed by page, search and state, and nothing shows a token', async () => {
		const all = await ask(list.GET, { authorization: reader });
		expect(all).toMatchObject({ status: 200, meta: { total: 3 } });
		expect(all.data.map(({ name }: { name: string }) => name)).toEqual(['pve1', 'pve2', 'pve3']);
		const some = await ask(list.GET, { search: '?search=pve2&page_size=1&state=online' });
		expect(some).toMatchObject({ data: [{ name: 'pve2', placing: 'online' }], meta: { total: 1 } });
		expect((await ask(list.GET, { search: '?state=maintenance' })).data).toEqual([]);
		expect((await ask(list.GET, { search: '?state=asleep' })).status).toBe(400);
		const first = await ask(list.GET, { search: '?page_size=2' });
		expect(first.meta).toMatchObject({ total: 3, next: expect.any(String) });
		const next = await ask(list.GET, { search: `?page_size=2&cursor=${first.meta.next}` });
		expect(next).toMatchObject({ data: [{ name: 'pve3' }], meta: { total: 3, next: null } });
		expect((await ask(list.GET, { search: '?cursor=nobody' })).fields).toHaveProperty('cursor');
		await checkNodes();
		const { data } = await get();
		expect(data).toMatchObject({
			...{ name: 'pve3', revision: PVE3.revision, cpu_overcommit: 4, missing_privileges: [] },
			health: { api: { state: 'ok' }, ssh: { state: 'ok' }, privileges: { state: 'ok' } },
			storages: expect.arrayContaining([expect.objectContaining({ storage: 'ceph', active: true })])
		});
		expect(JSON.stringify(data)).not.toMatch(/[0-9a-f]{8}-[0-9a-f-]{20,}.*secret|api_token/i);
		expect((await get('00000000-0000-4000-8000-000000000000')).status).toBe(404);
	});

	it('are changed and removed by nobody who may only read', async () => {
		const readOnly = { id: PVE3.id, authorization: reader };
		for (const [handler, method, body] of [
			[one.PATCH, 'PATCH', { priority: 1 }],
			[one.DELETE, 'DELETE', undefined],
			[service.POST, 'POST', { reason: 'more memory' }],
			[service.DELETE, 'DELETE', undefined]
		] as const)
			expect((await ask(handler, { ...readOnly, method, body })).status).toBe(403);
	});
});

describe('an edit', () => {
	it('changes what may be promised, and of two editors the second is told', async () => {
		const { revision } = PVE3;
		const saved = await patch({ revision, cpu_overcommit: 6, max_containers: 80 });
		expect(saved).toMatchObject({
			status: 200,
			data: { cpu_overcommit: 6, max_containers: 80, ram_overcommit: 1, revision: revision + 1 }
		});
		expect(await patch({ revision, priority: 3 })).toMatchObject({
			...{ status: 409, error: 'CHANGED_MEANWHILE' }
		});
		expect(await row()).toMatchObject({ priority: PVE3.priority });
		expect((await patch({ cpu_overcommit: 0 })).fields).toHaveProperty('cpu_overcommit');
		expect((await patch({ name: 'other' })).status).toBe(400);
		expect(await acts()).toContain('infrastructure.edit-node');
	});

	it('of the address needs fingerprints that somebody compared, and the same node behind it', async () => {
		const { port } = new URL(PVE3.apiUrl);
		const elsewhere = { api_url: `https://localhost:${port}` };
		// The certificate is the pinned one: its name is new, the node is not.
		expect(await patch(elsewhere)).toMatchObject({ status: 200, data: elsewhere });
		const pve2 = await db.node.findFirstOrThrow({ where: { name: 'pve2' } });
		const taken = await patch({ api_url: pve2.apiUrl });
		expect(taken.fields.api_url).toContain('pve2');
		const other = {
			api_url: `https://localhost:${new URL(pve2.apiUrl).port}`,
			ssh_port: pve2.sshPort
		};
		const asked = await patch(other);
		expect(asked).toMatchObject({
			status: 400,
			fields: {
				api_fingerprint: expect.stringContaining(pve2.apiFingerprint),
				ssh_host_key: expect.stringContaining(pve2.sshHostKey)
			}
		});
		const pins = { api_fingerprint: pve2.apiFingerprint, ssh_host_key: pve2.sshHostKey };
		const refused = await patch({ ...other, ...pins });
		expect(refused.fields.api_url).toContain('pve2');
		expect(await row()).toMatchObject({ apiFingerprint: PVE3.apiFingerprint });
		expect((await patch({ api_url: 'https://localhost:9' })).fields).toHaveProperty('api_url');
	});

	it('pins a certificate that was renewed once it is sent along', async () => {
		const stale = PVE3.apiFingerprint.replace(/../g, '00');
		await db.node.update({ where: { id: PVE3.id }, data: { apiFingerprint: stale } });
		await expect((await proxmoxOn(PVE3.id, {})).version()).rejects.toMatchObject({
			kind: 'untrusted'
		});
		expect(await row()).toMatchObject({ haltedBy: 'api' });
		const shown = { api_fingerprint: PVE3.apiFingerprint, ssh_host_key: PVE3.sshHostKey };
		expect((await patch({ ...shown, api_fingerprint: stale })).status).toBe(400);
		expect((await patch(shown)).status).toBe(200);
		expect(await row()).toMatchObject({ haltedAt: null });
		await (await proxmoxOn(PVE3.id, {})).version();
		expect(await acts()).toContain('infrastructure.pin-fingerprints');
	});
});

describe('a token', () => {
	const token = (id: string) => `${id}=${SECRET}`;
	const give = (id: string, role: string) => {
		const user = id.split('!')[0]!;
		pve.state.tokens.push({ id, user, secret: SECRET, privsep: true, expire: 0, comment: '' });
		for (const ugid of [user, id]) {
			if (pve.state.acl.some((entry) => entry.ugid === ugid)) continue;
			pve.state.acl.push({ path: '/', ugid, role, propagate: true });
		}
	};
	const stored = async () =>
		(await db.nodeCredential.findUniqueOrThrow({ where: { nodeId: PVE3.id } })).apiToken;

	it('that is not accepted, or may less, does not replace the one in use', async () => {
		const before = await stored();
		await expect(rotateToken(PVE3.id, token('erpcore@pve!none'), BY)).rejects.toMatchObject({
			...{ code: 'BAD_INPUT', fields: { api_token: expect.any(String) } }
		});
		give('lesser@pve!control', 'PVEVMAdmin');
		const lesser = await rotateToken(PVE3.id, token('lesser@pve!control'), BY);
		expect(lesser).toMatchObject({ account: 'lesser@pve!control' });
		expect(lesser!.lacks).toContainEqual({ name: 'Sys.Audit', path: '/' });
		pve.setOnline('pve3', false);
		await expect(rotateToken(PVE3.id, token('erpcore@pve!none'), BY)).rejects.toMatchObject({
			kind: 'unreachable'
		});
		pve.setOnline('pve3', true);
		expect(await stored()).toBe(before);
		expect(await acts()).not.toContain('infrastructure.rotate-token');
	});

	it('that may as much does, and appears nowhere', async () => {
		give('erpcore@pve!second', 'ERPCore');
		expect(await rotateToken(PVE3.id, token('erpcore@pve!second'), BY)).toBeNull();
		pve.state.tokens = pve.state.tokens.filter(({ id }) => id !== 'erpcore@pve!control');
		await (await proxmoxOn(PVE3.id, {})).permissions();
		pve.state.tokens.push({
			...{ id: 'erpcore@pve!control', user: 'erpcore@pve', privsep: true, expire: 0, comment: '' },
			secret: '5a9db0c5-0000-4000-8000-e29c04e5a9db'
		});
		const all = await entries();
		expect(all.at(-1)).toMatchObject({
			before: { account: 'erpcore@pve!control' },
			after: { account: 'erpcore@pve!second' }
		});
		expect(JSON.stringify(all)).not.toContain(SECRET);
		expect(JSON.stringify(await db.vendorCall.findMany())).not.toContain(SECRET);
	});
});

describe('maintenance', () => {
	it('sends new containers elsewhere, says why, and ends', async () => {
		const body = { reason: 'Cambio de memoria' };
		const begun = await ask(service.POST, { id: PVE3.id, method: 'POST', body });
		expect(begun).toMatchObject({
			status: 200,
			data: { status: 'maintenance', placing: 'maintenance', maintenance: body }
		});
		expect(await ask(service.POST, { id: PVE3.id, method: 'POST', body })).toMatchObject({
			...{ status: 409, error: 'WRONG_STATE' }
		});
		expect((await ask(list.GET, { search: '?state=maintenance' })).meta.total).toBe(1);
		const ended = await ask(service.DELETE, { id: PVE3.id, method: 'DELETE' });
		expect(ended).toMatchObject({
			data: { status: 'online', placing: 'online', maintenance: null }
		});
		expect(await acts()).toEqual([
			'infrastructure.begin-maintenance',
			'infrastructure.end-maintenance'
		]);
		expect((await ask(service.DELETE, { id: PVE3.id, method: 'DELETE' })).status).toBe(409);
		expect(
			(await ask(service.POST, { id: PVE3.id, method: 'POST', body: { reason: '' } })).fields
		).toHaveProperty('reason');
	});
});

describe('a removal', () => {
	it('is refused with what lives there, keeps what happened, and is undone by enrolling the node again', async () => {
		const container = await db.container.create({
			data: {
				...{ clusterId: PVE3.clusterId, nodeId: PVE3.id, vmid: 778, hostname: 'lives.here' },
				...{ purpose: 'odoo', cpuCores: 1, ramMb: 512, diskGb: 4, status: 'running' }
			}
		});
		const remove = () => ask(one.DELETE, { id: PVE3.id, method: 'DELETE' });
		const kept = await remove();
		expect(kept).toMatchObject({ status: 409, error: 'STILL_ALIVE' });
		expect(kept.detail).toContain('778 lives.here');
		const { id: pve2 } = await db.node.findFirstOrThrow({ where: { name: 'pve2' } });
		// It arrived there, and may have to come back.
		const arrived = { nodeId: pve2, moveToNodeId: PVE3.id };
		await db.container.update({ where: { id: container.id }, data: arrived });
		expect(await remove()).toMatchObject({
			...{ status: 409, detail: expect.stringMatching(/mudanzas.*778 lives\.here/) }
		});
		const gone = { status: 'deleted', nodeId: PVE3.id, moveToNodeId: null } as const;
		await db.container.update({ where: { id: container.id }, data: gone });
		const worn = { misses: 4, apiCertificateExpiresAt: new Date(), clockSkewMs: 9 };
		const data = { ...worn, maintenanceSince: new Date(), maintenanceReason: 'Se va' };
		await db.node.updateMany({ where: { name: 'pve3' }, data: { ...data, status: 'maintenance' } });
		expect(await remove()).toMatchObject({ status: 200, data: null });
		expect((await get()).status).toBe(404);
		expect((await nodeFigures(db)).map(({ name }) => name)).toEqual(['pve1', 'pve2']);
		expect(await db.nodeCredential.count({ where: { nodeId: PVE3.id } })).toBe(0);
		expect(await db.container.findUnique({ where: { id: container.id } })).not.toBeNull();
		await checkNodes();
		await askCluster(PVE3.clusterId, {}, (client) => client.version());
		expect((await remove()).status).toBe(404);

		// Enrolling it again takes it back, for whoever sends the fingerprints.
		const body = {
			api_url: PVE3.apiUrl,
			api_token: 'erpcore@pve!control=5a9db0c5-0000-4000-8000-e29c04e5a9db',
			ssh_host: PVE3.sshHost,
			ssh_port: PVE3.sshPort,
			cluster: PVE3.clusterId
		};
		const asked = await ask(list.POST, { method: 'POST', body });
		expect(asked).toMatchObject({
			status: 400,
			fields: {
				api_fingerprint: expect.stringContaining(PVE3.apiFingerprint),
				ssh_host_key: expect.stringContaining(PVE3.sshHostKey)
			}
		});
		expect(await db.nodeEnrolment.count()).toBe(0);
		const pins = { api_fingerprint: PVE3.apiFingerprint, ssh_host_key: PVE3.sshHostKey };
		const made = await ask(list.POST, { method: 'POST', body: { ...body, ...pins } });
		expect(made).toMatchObject({ status: 201, data: { id: PVE3.id, name: 'pve3' } });
		expect((await nodeFigures(db)).map(({ name }) => name)).toContain('pve3');
		// How it was when it went is no more.
		expect(await row()).toMatchObject({
			...{ status: 'online', maintenanceSince: null, maintenanceReason: null, misses: 0 },
			...{ apiCertificateExpiresAt: null, clockSkewMs: null, health: null }
		});
	});
});
