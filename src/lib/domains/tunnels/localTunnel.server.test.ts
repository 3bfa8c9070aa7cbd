import { beforeEach, describe, expect, test } from 'vitest';
import { cloudflareDocument, TUNNEL_ID } from '../../../sandbox/cloudflare/state.ts';
import { CONFIG, testCloudflared } from '../../../sandbox/cloudflared/testing.ts';
import { originOf } from '../../../sandbox/edge/origin.ts';
import { testContainers } from '../../../../tests/setup/containers.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { CloudflaredError } from '#lib/integrations/cloudflared/errors.ts';
import { SshError } from '#lib/integrations/ssh/errors.ts';
import { checkHost, ConnectorError } from './connectorHost.server.ts';
import { documentOf } from './ingressDocument.server.ts';
import { converge, convergence, requestConvergence } from './tunnels.server.ts';

const { sandbox, pve } = await testContainers({ work: false });
const { kernel } = sandbox;
const VMID = 105;
const CATCH_ALL = { service: 'http_status:404' };
const TEXT = `# Ana's own
tunnel: ${TUNNEL_ID}
credentials-file: /etc/cloudflared/${TUNNEL_ID}.json
ingress:
  - service: http_status:404
`;
let tunnelId = '';
let there: Awaited<ReturnType<typeof testCloudflared>>;

/** A container of somebody's, with cloudflared in it. */
function startContainer(): void {
	const template = pve.state.containers[9018]!;
	const { template: _, ...config } = structuredClone(template.config);
	pve.state.containers[VMID] = { ...structuredClone(template), vmid: VMID, config };
	pve.markRunning(pve.state.containers[VMID], 0);
}

beforeEach(async () => {
	kernel.faults.clear();
	kernel.calls.clear();
	startContainer();
	pointAtTunnel();
	const { node } = pve.state.containers[VMID]!;
	there = await testCloudflared(kernel, { node, vmid: VMID }, { config: TEXT });
	const hostNode = await db.node.findFirstOrThrow({ where: { name: node } });
	await db.edgeHost.deleteMany({});
	await db.tunnelHost.deleteMany({});
	const { id } = await db.tunnel.findFirstOrThrow({ where: { cloudflareId: TUNNEL_ID } });
	tunnelId = id;
	await db.edgeHost.create({
		data: { tunnelId, hostname: 'erp.sajet.us', service: 'http://127.0.0.1:4443' }
	});
	await db.tunnel.update({
		where: { id },
		data: { source: 'local', hostNodeId: hostNode.id, hostVmid: VMID, error: null }
	});
	await later();
});

/** The record of the platform's own name, as the world has it. */
function pointAtTunnel(): void {
	const state = cloudflareDocument(kernel).get();
	const at = '2026-01-01T00:00:00.000000Z';
	state.records = state.records.filter(({ name }) => name !== 'erp.sajet.us');
	state.records.push({
		...{ id: 'erp', zone_id: state.zones[0]!.id, name: 'erp.sajet.us', type: 'CNAME', ttl: 1 },
		...{ content: `${TUNNEL_ID}.cfargotunnel.com`, proxied: true, proxiable: true },
		...{ comment: null, tags: [], settings: {}, created_on: at, modified_on: at }
	});
}

const later = () => new Promise((resolve) => setTimeout(resolve, 5));
const wanted = () => transaction((tx) => requestConvergence(tx, tunnelId));
const tunnel = () => db.tunnel.findUniqueOrThrow({ where: { id: tunnelId } });
const host = () => db.tunnelHost.findUniqueOrThrow({ where: { tunnelId } });
const document = async () => documentOf(await tunnel(), 'user');
const failure = (promise: Promise<unknown>): Promise<unknown> =>
	promise.then(
		() => Promise.reject(new Error('it did not fail')),
		(error: unknown) => error
	);
const hostsInForce = () => there.rules()?.map(({ hostname }) => hostname ?? null);

describe('a tunnel that its own machine configures', () => {
	test('is written by convergence, into its file, and routes by it', async () => {
		const version = await wanted();
		await converge(tunnelId);
		expect(await convergence(db, tunnelId, version)).toEqual({ applied: true, error: null });
		expect(hostsInForce()).toEqual(['erp.sajet.us', null]);
		expect(there.text()).toMatch(/^# Ana's own\ntunnel: /);
		expect(await host()).toMatchObject({ state: 'active', inForce: true, trouble: null });
		const origin = originOf(kernel, 'erp.sajet.us', '/');
		expect(origin).toMatchObject({ kind: 'service', service: 'http://127.0.0.1:4443' });
		// Cloudflare's own document, which nobody asked for, is as it was.
		expect(kernel.calls.list({ vendor: 'cloudflare', match: '^PUT' })).toEqual([]);
		const calls = await db.vendorCall.findMany({ where: { vendor: 'cloudflared' } });
		expect(calls.map(({ operation, status }) => [operation, status])).toContainEqual([
			'cloudflared.write',
			'succeeded'
		]);
	});

	test('nothing is restarted when it stands there already', async () => {
		await wanted();
		await converge(tunnelId);
		const { startedMs } = there.machine().units.cloudflared!;
		await converge(tunnelId);
		expect(there.machine().units.cloudflared!.startedMs).toBe(startedMs);
	});

	test('two that want something at once are both in it', async () => {
		await Promise.all(
			['a', 'b'].map(async (name) => {
				await db.edgeHost.create({
					data: { tunnelId, hostname: `${name}.sajet.us`, service: 'http://127.0.0.1:4443' }
				});
				await wanted();
			})
		);
		await converge(tunnelId);
		expect(hostsInForce()).toEqual(['a.sajet.us', 'b.sajet.us', 'erp.sajet.us', null]);
	});

	test('rules that somebody wrote by hand are seen as the file has them, and not put in force by looking', async () => {
		await wanted();
		await converge(tunnelId);
		await later();
		there.edit(
			TEXT.replace(
				'ingress:',
				'ingress:\n  - hostname: theirs.sajet.us\n    service: http://10.9.9.9:80'
			)
		);
		const { rules, version } = await (await document()).read();
		expect(rules).toEqual([
			{ hostname: 'theirs.sajet.us', service: 'http://10.9.9.9:80' },
			CATCH_ALL
		]);
		expect(version).toBeNull();
		expect(hostsInForce()).toEqual(['erp.sajet.us', null]);
		expect(await host()).toMatchObject({ inForce: false });
	});

	test('what an interrupted write moved into place is put in force by the next look', async () => {
		await wanted();
		kernel.faults.add({ target: 'ssh', kind: 'reset', match: 'mv -T', when: 'after' });
		const error = await failure(converge(tunnelId));
		expect(error).toMatchObject({ kind: 'lost' });
		expect((await tunnel()).error).toBe((error as SshError).message);
		expect(hostsInForce()).toEqual([null]);
		await converge(tunnelId);
		expect(hostsInForce()).toEqual(['erp.sajet.us', null]);
		expect(Object.keys(there.machine().units)).toEqual(['cloudflared']);
		expect((await tunnel()).error).toBeNull();
	});

	test('a refusal changes nothing, is told, and the version is not applied', async () => {
		await db.edgeHost.create({
			data: { tunnelId, hostname: 'bad.sajet.us', service: 'ftp://10.0.0.1' }
		});
		const version = await wanted();
		const error = await failure(converge(tunnelId));
		expect(error).toBeInstanceOf(CloudflaredError);
		expect(error).toMatchObject({ kind: 'refused' });
		expect((await tunnel()).error).toContain('ftp://10.0.0.1 is an invalid address');
		expect((await convergence(db, tunnelId, version)).applied).toBe(false);
		expect(there.text()).toBe(TEXT);
		expect(hostsInForce()).toEqual([null]);
		expect(await host()).toMatchObject({ trouble: 'refused', reachedAt: expect.any(Date) });
	});

	test('the file of another tunnel is never written', async () => {
		there.edit(TEXT.replace(`tunnel: ${TUNNEL_ID}`, 'tunnel: somebody-elses'));
		await wanted();
		expect(await failure(converge(tunnelId))).toMatchObject({ trouble: 'other_tunnel' });
		await expect((await document()).write([CATCH_ALL])).rejects.toBeInstanceOf(ConnectorError);
		expect(there.text()).toContain('tunnel: somebody-elses');
		expect(there.names().some((name) => name.endsWith('.bak'))).toBe(false);
	});

	test('a container that is off, a node that is off, no host at all: each is noted, with when it last answered', async () => {
		await checkHost(tunnelId);
		const first = await host();
		expect(first).toMatchObject({ version: '2026.10.1', state: 'active', trouble: null });
		expect(first.reachedAt).toBeInstanceOf(Date);
		pve.markStopped(pve.state.containers[VMID]!);
		expect(await failure(checkHost(tunnelId))).toBeInstanceOf(SshError);
		expect(await host()).toMatchObject({ trouble: 'not_running', reachedAt: first.reachedAt });
		expect(originOf(kernel, 'erp.sajet.us', '/')).toEqual({ kind: 'error', code: 1033 });
		await db.tunnel.update({ where: { id: tunnelId }, data: { hostNodeId: null } });
		expect(await failure(checkHost(tunnelId))).toMatchObject({ trouble: 'no_host' });
		expect(await host()).toMatchObject({ trouble: 'no_host', reachedAt: first.reachedAt });
	});

	test('a missing file and a missing service are said', async () => {
		delete there.machine().files[CONFIG];
		expect(await failure(checkHost(tunnelId))).toMatchObject({ kind: 'no_config' });
		await db.tunnel.update({ where: { id: tunnelId }, data: { hostUnit: 'cloudflared-b' } });
		expect(await failure(checkHost(tunnelId))).toMatchObject({ kind: 'no_unit' });
		await db.tunnel.update({ where: { id: tunnelId }, data: { hostUnit: 'cloudflared' } });
		expect(await host()).toMatchObject({ trouble: 'no_unit' });
	});
});
