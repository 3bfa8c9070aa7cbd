import { beforeEach, expect, test } from 'vitest';
import { createEdge, createEdgeDomain } from '../../../../tests/factories/edge.ts';
import {
	clusterEnrolment,
	createCluster,
	nodeEnrolment
} from '../../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { testQueue } from '../../../../tests/setup/queue.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import '../base/baseDomains.server.ts';
import {
	addEdgeServer,
	editEdgeServer,
	listEdgeServers,
	removeEdgeServer
} from './edgeServerActs.server.ts';
import { edgeServerForm } from './edgeServerForms.ts';
import '../records/recordJobs.server.ts';

await testDatabase();
await testQueue({ work: false });
const nodes = [nodeEnrolment({ name: 'pve1' }), nodeEnrolment({ name: 'pve2' })];
await createCluster(db, clusterEnrolment({ nodes }));
const [one, two] = await db.node.findMany({ orderBy: { name: 'asc' } });
const by = { kind: 'system', id: null, label: 'tests' } as const;
const typed = (more: object = {}) =>
	edgeServerForm.parse({ name: 'edge-1', node: one!.id, vmid: '', ipv4: '203.0.113.10', ...more });
const add = (more: object = {}) => transaction((tx) => addEdgeServer(tx, typed(more), { by }));
const fields = (promise: Promise<unknown>) =>
	promise.then(
		() => null,
		(error: unknown) => (error instanceof AppError ? Object.keys(error.fields ?? {}) : error)
	);

beforeEach(async () => {
	await db.edgeCertificate.deleteMany({});
	await db.customDomain.deleteMany({});
	await db.tenant.deleteMany({});
	await db.baseDomain.deleteMany({});
	await db.edgeServer.deleteMany({});
});

test('addresses are read however they are typed, and what is none is named', () => {
	const { ipv4, ipv6, vmid } = typed({
		ipv4: '203.0.113.10, 203.0.113.11\n203.0.113.10',
		ipv6: '2001:DB8::1',
		vmid: '301'
	});
	expect([ipv4, ipv6, vmid]).toEqual([['203.0.113.10', '203.0.113.11'], ['2001:db8::1'], 301]);
	const bad = edgeServerForm.safeParse({
		name: 'x; y',
		node: one!.id,
		ipv4: '300.1.1.1',
		vmid: '7'
	});
	expect(new Set(bad.error?.issues.map(({ path }) => path[0]))).toEqual(
		new Set(['name', 'vmid', 'ipv4'])
	);
	const none = edgeServerForm.safeParse({ name: 'x', node: one!.id, ipv4: '', ipv6: '' });
	expect(none.error?.issues.map(({ path }) => path[0])).toEqual(['ipv4']);
});

test('a new one is asked for its first configuration, and told in the audit', async () => {
	const { id } = await add();
	expect(await db.edgeServer.findUniqueOrThrow({ where: { id } })).toMatchObject({
		...{ wantedVersion: 1, appliedVersion: 0, vmid: null, ipv4: ['203.0.113.10'] }
	});
	const entry = await db.auditEntry.findFirstOrThrow({ where: { subjectId: id } });
	expect(entry.action).toBe('domains.add-edge-server');
});

test('two of one name, or at one place, are refused beside the field', async () => {
	const { id } = await add();
	expect(await fields(add({ vmid: '301' }))).toEqual(['name']);
	expect(await fields(add({ name: 'edge-2' }))).toEqual(['vmid']);
	const second = await add({ name: 'edge-2', node: two!.id });
	const move = typed({ name: 'edge-2' });
	expect(await fields(transaction((tx) => editEdgeServer(tx, second.id, move, { by })))).toEqual([
		'vmid'
	]);
	await transaction((tx) => editEdgeServer(tx, id, typed({ ipv4: '203.0.113.12' }), { by }));
	expect(await db.edgeServer.findUniqueOrThrow({ where: { id } })).toMatchObject({
		...{ wantedVersion: 2, ipv4: ['203.0.113.12'] }
	});
});

test('one that base domains lead to stays; its domains and what troubles them are counted', async () => {
	const { id, baseDomainId } = await createEdge(db, { nodeId: one!.id });
	for (const [hostname, error, days] of [
		['a.acme.com', null, 40],
		['b.acme.com', 'caa: CAA record for acme.com prevents issuance', 5],
		['c.acme.com', 'dns: nothing', -1]
	] as const) {
		const { id: customDomainId } = await createEdgeDomain(db, hostname);
		const notAfter = new Date(Date.now() + days * 86_400_000);
		await db.edgeCertificate.create({ data: { customDomainId, hostname, error, notAfter } });
	}
	const [listed] = await listEdgeServers(db);
	expect(listed).toMatchObject({ id, domains: 3, certified: 2, troubles: 2 });
	expect(listed?.troubled.map(({ hostname }) => hostname)).toEqual(['b.acme.com', 'c.acme.com']);
	const remove = () => transaction((tx) => removeEdgeServer(tx, id, { by }));
	expect(await fields(remove())).toEqual(['confirm']);
	await db.baseDomain.update({ where: { id: baseDomainId }, data: { edgeServerId: null } });
	await remove();
	expect(await db.edgeServer.count()).toBe(0);
});
