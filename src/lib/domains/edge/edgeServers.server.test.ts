import { beforeEach, describe, expect, test } from 'vitest';
import { createEdge, createEdgeDomain } from '../../../../tests/factories/edge.ts';
import {
	createCluster,
	clusterEnrolment,
	nodeEnrolment
} from '../../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { eventually, testQueue } from '../../../../tests/setup/queue.ts';
import { testSandbox } from '../../../../tests/setup/sandbox.ts';
import { testCertificate } from '../../../sandbox/acme/testing.ts';
import type { FaultKind } from '../../../sandbox/kernel/faults.ts';
import { MAIN, nginxDocument, readFile, resolved } from '../../../sandbox/nginx/state.ts';
import { encrypt } from '#lib/core/crypto.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { closeSsh } from '../../infrastructure/nodes/sshPool.server.ts';
import { edgePlan, keyContext } from './edgePlan.server.ts';
import { convergeEdge, patience, requestEdge } from './edgeServers.server.ts';
import '../custom/domainJobs.server.ts';

await testDatabase();
const { kernel, vendors } = await testSandbox();
await testQueue({ work: false });
patience.reloadMs = 300;

const ROOT = '/etc/nginx/erp-core';
const [first] = vendors.ssh;
const node = nodeEnrolment({
	...{ name: 'pve1', sshHost: first!.host, sshPort: first!.port, sshHostKey: first!.host_key }
});
await createCluster(db, clusterEnrolment({ nodes: [node] }));
const { id: nodeId } = await db.node.findFirstOrThrow({ where: { name: 'pve1' } });

let edgeId = '';
const machine = () => {
	const found = nginxDocument(kernel).get().machines[0];
	if (!found) throw new Error('the sandbox lost its nginx');
	return found;
};
const served = () => machine().serving?.config ?? '';
const sent = (match: string) => kernel.calls.list({ vendor: 'ssh', match }).length;
const plan = () => edgePlan(db, edgeId, 'directive');
const row = () => db.edgeServer.findUniqueOrThrow({ where: { id: edgeId } });
const reason = (promise: Promise<unknown>) =>
	promise.then(
		() => null,
		(error: unknown) => String(error)
	);

async function domain(hostname: string, more: Parameters<typeof createEdgeDomain>[2] = {}) {
	const made = await createEdgeDomain(db, hostname, more);
	const { chain, key, notAfter } = await testCertificate([hostname]);
	await db.edgeCertificate.create({
		data: {
			...{ customDomainId: made.id, hostname, chain, notAfter },
			privateKey: encrypt(key, keyContext(made.id))
		}
	});
	return made;
}
const ask = () => transaction((tx) => requestEdge(tx, edgeId));

beforeEach(async () => {
	kernel.reset();
	await closeSsh();
	await db.$executeRaw`DELETE FROM pgboss.job WHERE name = 'domains.check'`;
	await db.edgeCertificate.deleteMany({});
	await db.customDomain.deleteMany({});
	await db.tenant.deleteMany({});
	await db.baseDomain.deleteMany({});
	await db.edgeServer.deleteMany({});
	edgeId = (await createEdge(db, { nodeId })).id;
});

describe('a convergence', () => {
	test('writes what the rows derive, tests it, switches, reloads and reads back', async () => {
		const { id } = await domain('erp.acme.com');
		const version = await ask();
		await convergeEdge(edgeId);
		const { release } = await plan();
		expect(served()).toContain(`# Release ${release}.`);
		expect(served()).toContain('server_name erp.acme.com;');
		expect(served()).toContain(`set $erp_host $host;`);
		expect(resolved(machine(), MAIN)).toBe(`${ROOT}/releases/${release}/nginx.conf`);
		expect(await row()).toMatchObject({
			appliedVersion: version,
			appliedHash: release,
			error: null
		});
		expect(machine().files[`${MAIN}.before-erp-core`]).toBeDefined();
		const looks = await db.$queryRaw<{ key: string }[]>`
			SELECT singleton_key AS key FROM pgboss.job WHERE name = 'domains.check'`;
		expect(looks).toEqual([{ key: id }]);
	});

	test('keeps keys for root alone, and out of what is recorded', async () => {
		const { id } = await domain('erp.acme.com');
		await convergeEdge(edgeId);
		const keys = Object.entries(machine().files).filter(([path]) => path.endsWith('.key'));
		expect(keys.map(([, { mode }]) => mode)).toEqual(['600']);
		const calls = await db.vendorCall.findMany({ where: { subjectId: edgeId } });
		expect(calls.map(({ operation }) => operation)).toContain('edge.write');
		expect(JSON.stringify(calls)).not.toContain('PRIVATE KEY');
		const { privateKey } = await db.edgeCertificate.findUniqueOrThrow({
			where: { customDomainId: id }
		});
		expect(privateKey).not.toContain('PRIVATE');
	});

	test('changes nothing where everything stands, and sends only the certificates that are missing', async () => {
		await domain('erp.acme.com');
		await convergeEdge(edgeId);
		const before = sent('tar|ln|mv|reload');
		await convergeEdge(edgeId);
		expect(sent('tar|ln|mv|reload')).toBe(before);
		await domain('erp.beta.com');
		await convergeEdge(edgeId);
		const [, second] = kernel.calls.list({ vendor: 'ssh', match: ' tar ' });
		expect(second?.request).toContain('certs/');
		const { certificates } = await plan();
		const written = [...certificates.keys()].filter((id) => second?.request?.includes(id));
		expect(served()).toContain('server_name erp.beta.com;');
		expect(written.length).toBeGreaterThan(0);
	});

	test('a damaged file, a damaged key and a foreign nginx.conf are put right', async () => {
		await domain('erp.acme.com');
		await convergeEdge(edgeId);
		const { release } = await plan();
		const damage = (ending: string) => {
			for (const [path, file] of Object.entries(machine().files))
				if (path.startsWith(ROOT) && path.endsWith(ending))
					file.content = Buffer.from('nonsense').toString('base64');
		};
		for (const ending of ['nginx.conf', '.pem', '.key']) {
			damage(ending);
			if (ending === '.key') machine().serving = { config: 'events { }' };
			await convergeEdge(edgeId);
			for (const [path, { content }] of Object.entries(machine().files))
				if (path.startsWith(ROOT))
					expect(Buffer.from(content, 'base64').toString()).not.toBe('nonsense');
		}
		delete machine().links[MAIN];
		machine().files[MAIN] = { content: Buffer.from('events { }').toString('base64'), mode: '644' };
		await convergeEdge(edgeId);
		expect(resolved(machine(), MAIN)).toBe(`${ROOT}/releases/${release}/nginx.conf`);
	});

	test('removes releases and certificates that nothing names any more, and keeps the one before', async () => {
		const names: string[] = [];
		for (const host of ['a.acme.com', 'b.acme.com', 'c.acme.com']) {
			await domain(host);
			await convergeEdge(edgeId);
			names.push((await plan()).release);
		}
		await db.customDomain.updateMany({ data: { status: 'removed', removedAt: new Date() } });
		await convergeEdge(edgeId);
		const { release } = await plan();
		const releases = () =>
			new Set(
				Object.keys(machine().files).flatMap(
					(path) => /releases\/([0-9a-f]+)/.exec(path)?.[1] ?? []
				)
			);
		expect(releases()).toEqual(new Set([names[2], release]));
		expect(served()).not.toContain('acme.com');
	});
});

describe('nginx refuses', () => {
	test('what it serves stays, its words are in the row, and it comes through later', async () => {
		await domain('erp.acme.com');
		await convergeEdge(edgeId);
		const before = served();
		await domain('erp.beta.com');
		const said = 'nginx: [emerg] cannot load certificate';
		kernel.faults.add({
			target: 'ssh',
			match: 'nginx -t',
			kind: 'status',
			status: 1,
			body: said,
			times: 2
		});
		expect(await reason(convergeEdge(edgeId))).toContain('cannot load certificate');
		expect(served()).toBe(before);
		expect(resolved(machine(), MAIN)).toContain(/Release (\w+)/.exec(before)?.[1]);
		expect((await row()).error).toContain('cannot load certificate');
		await convergeEdge(edgeId);
		expect(served()).toContain('erp.beta.com');
		expect((await row()).error).toBeNull();
	});

	test('the reload: nginx.conf leads back to what is served', async () => {
		await domain('erp.acme.com');
		await convergeEdge(edgeId);
		const before = resolved(machine(), MAIN);
		await domain('erp.beta.com');
		kernel.faults.add({
			target: 'ssh',
			match: 'reload',
			kind: 'status',
			status: 1,
			body: 'bind() failed'
		});
		expect(await reason(convergeEdge(edgeId))).toContain('bind() failed');
		expect(resolved(machine(), MAIN)).toBe(before);
	});

	test('workers that never take the new one: back, and the very first time to what was there', async () => {
		const debian = readFile(machine(), MAIN)?.toString();
		await domain('erp.acme.com');
		// It says that it reloads and does nothing.
		kernel.faults.add({ target: 'ssh', match: 'reload', kind: 'malformed', body: '' });
		expect(await reason(convergeEdge(edgeId))).toContain('does not serve');
		expect(readFile(machine(), MAIN)?.toString()).toBe(debian);
		await convergeEdge(edgeId);
		expect(served()).toContain('erp.acme.com');
	});
});

const STEPS = [
	...['nginx -v', 'readlink', 'curl', 'ls -1 .*certs', 'sha256sum', 'mkdir', 'tar', 'nginx -t'],
	...['cp -p', 'ln -sfn', 'mv -fT', 'nginx -s reload', 'rm -rf']
];
const FAULTS: [FaultKind, 'before' | 'after'][] = [
	['reset', 'before'],
	['reset', 'after'],
	['status', 'before'],
	['status', 'after']
];

test.each(STEPS.flatMap((step) => FAULTS.map(([kind, when]) => ({ step, kind, when }))))(
	'after a fault at $step ($kind, $when) the next run ends where it should',
	async ({ step, kind, when }) => {
		if (step !== 'cp -p') {
			await domain('old.acme.com');
			await convergeEdge(edgeId);
			await domain('older.acme.com');
			await convergeEdge(edgeId);
			await db.customDomain.updateMany({
				where: { hostname: 'old.acme.com' },
				data: { status: 'removed' }
			});
		}
		const before = served();
		await domain('erp.acme.com');
		const version = await ask();
		kernel.faults.add({ target: 'ssh', match: step, kind, when, status: 1, body: 'no' });
		const failed = await reason(convergeEdge(edgeId));
		const { release } = await plan();
		// Whatever happened, what is served is whole: the one or the other.
		expect([before, (await plan()).config]).toContain(served());
		if (failed) expect((await row()).error).not.toBeNull();
		await convergeEdge(edgeId);
		expect(served()).toContain(`# Release ${release}.`);
		expect(resolved(machine(), MAIN)).toBe(`${ROOT}/releases/${release}/nginx.conf`);
		expect(await row()).toMatchObject({ appliedVersion: version, error: null });
	}
);

describe('what is derived', () => {
	test('only domains that are proven and not switched off', async () => {
		await domain('erp.acme.com');
		await domain('claimed.acme.com', { verified: false });
		const off = await domain('off.acme.com');
		await db.customDomain.update({ where: { id: off.id }, data: { status: 'inactive' } });
		expect((await plan()).served).toEqual(['erp.acme.com']);
	});

	test('who lands elsewhere is sent there: half of a pair, and everybody while a primary domain works', async () => {
		const main = await domain('acme.com', { status: 'active' });
		await domain('www.acme.com', { redirectToId: main.id, tenantId: main.tenantId });
		expect((await plan()).config).toMatch(/return 307 https?:\/\/acme\.com[^ ]*\$request_uri;/);
		const home = await domain('erp.acme.com', { status: 'active', tenantId: main.tenantId });
		await db.customDomain.update({ where: { id: home.id }, data: { isPrimary: true } });
		const sent = [
			...(await plan()).config.matchAll(/return 307 (https?:\/\/erp\.acme\.com\S*)\$request_uri/g)
		];
		expect(sent).toHaveLength(2);
	});

	test('a suspended tenant is answered for by the control plane', async () => {
		const { tenantId } = await domain('erp.acme.com');
		await db.tenant.update({ where: { id: tenantId }, data: { status: 'suspended' } });
		expect((await plan()).config).toContain('set $erp_host $host;');
	});
});

test('requests of many at once are one job a server, and the last of them is applied', async () => {
	await domain('erp.acme.com');
	const versions = await Promise.all(Array.from({ length: 10 }, ask));
	expect(new Set(versions).size).toBe(10);
	await convergeEdge(edgeId);
	await eventually(async () => (await row()).appliedVersion === Math.max(...versions));
	expect((await row()).appliedVersion).toBe(Math.max(...versions));
});
