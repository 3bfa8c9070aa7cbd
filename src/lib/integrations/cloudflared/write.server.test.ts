import { beforeEach, describe, expect, test } from 'vitest';
import { TUNNEL_ID } from '../../../sandbox/cloudflare/state.ts';
import { CONFIG, testCloudflared } from '../../../sandbox/cloudflared/testing.ts';
import {
	AT,
	failure,
	later,
	RULES,
	testConnectorHost,
	TEXT
} from '../../../../tests/setup/cloudflared.ts';
import { unrecorded, type RecordedCall } from '../record.ts';
import { cloudflared } from './cloudflared.server.ts';

const { pve, kernel, client } = await testConnectorHost();

const commands = () =>
	kernel.calls.list({ vendor: 'ssh' }).map(({ line }) => line.replace(/^timeout \d+ /, ''));
describe('what goes wrong', () => {
	const exec = client.inside(105);
	const host = cloudflared(AT, exec, unrecorded);
	let there: Awaited<ReturnType<typeof testCloudflared>>;
	beforeEach(async () => {
		kernel.calls.clear();
		there = await testCloudflared(kernel, { node: 'pve1', vmid: 105 }, { config: TEXT });
		await later();
	});

	test('a second process is connected before the service stops, and ends after it runs again', async () => {
		await host.write(RULES);
		const order = commands()
			.map((line) => /(systemd-run|systemctl restart|systemctl stop|mv -T)/.exec(line)?.[1])
			.filter((word) => word !== undefined);
		expect(order).toEqual([
			'systemctl stop',
			'systemd-run',
			'mv -T',
			'systemctl restart',
			'systemctl stop'
		]);
	});

	test('what cloudflared refuses changes nothing, and its sentence is told', async () => {
		const before = there.rules();
		const error = await failure(
			host.write([{ hostname: 'a.sajet.us', service: 'http://10.0.0.5:80' }])
		);
		expect(error).toMatchObject({ kind: 'refused', ambiguous: false });
		expect(error.message).toContain('The last ingress rule must match all URLs');
		expect(there.text()).toBe(TEXT);
		expect(there.rules()).toEqual(before);
		expect(there.names().some((name) => name.endsWith('.bak') || name.includes('new'))).toBe(false);
		expect(commands().some((line) => line.includes('restart'))).toBe(false);
	});

	test('a file with which no process comes up never reaches the service', async () => {
		delete there.machine().files[`/etc/cloudflared/${TUNNEL_ID}.json`];
		const { startedMs } = there.machine().units.cloudflared!;
		const error = await failure(host.write(RULES));
		expect(error).toMatchObject({ kind: 'not_started' });
		expect(error.message).toContain("doesn't exist or is not a file");
		expect(there.text()).toBe(TEXT);
		expect(there.machine().units.cloudflared).toMatchObject({ active: 'active', startedMs });
		expect(Object.keys(there.machine().units)).toEqual(['cloudflared']);
	});

	test('a service that does not come up with the new file gets the old one back', async () => {
		// The second process is content; between its start and the restart the credentials go and come back.
		kernel.faults.add({
			target: 'ssh',
			kind: 'status',
			match: 'systemctl restart',
			status: 1,
			body: 'Job failed'
		});
		const unit = () => there.machine().units.cloudflared!;
		const restarted = unit().startedMs;
		await later();
		const error = await failure(host.write(RULES));
		expect(error).toMatchObject({ kind: 'not_started' });
		expect(there.text()).toBe(TEXT);
		expect(unit().startedMs).toBeGreaterThan(restarted!);
		expect(there.rules()).toEqual([
			{ hostname: 'old.sajet.us', service: 'http://localhost:8069' },
			{ service: 'http_status:404' }
		]);
		expect(Object.keys(there.machine().units)).toEqual(['cloudflared']);
	});

	test('somebody who writes the file meanwhile is not overwritten', async () => {
		const theirs = TEXT.replace('old.sajet.us', 'theirs.sajet.us');
		kernel.faults.add({
			target: 'ssh',
			kind: 'delay',
			ms: 0,
			match: 'systemd-run',
			when: 'after',
			onTaken: () => there.edit(theirs)
		});
		expect(await failure(host.write(RULES))).toMatchObject({ kind: 'changed', retryable: true });
		expect(there.text()).toBe(theirs);
		expect(Object.keys(there.machine().units)).toEqual(['cloudflared']);
	});

	test('of our backups the last ones are kept, and nobody else’s goes', async () => {
		there.machine().files['/etc/cloudflared/config.yml.bak'] = {
			content: 'x',
			mode: '644',
			changedMs: 0
		};
		const three = cloudflared({ ...AT, backups: 3 }, exec, unrecorded);
		for (let n = 0; n < 5; n += 1)
			await three.write([
				{ hostname: `h${n}.sajet.us`, service: 'http://10.0.0.5:80' },
				{ service: 'http_status:404' }
			]);
		const backups = there.names().filter((name) => /^config\.yml\.\d{8}T\d{9}Z\.bak$/.test(name));
		expect(backups).toHaveLength(3);
		expect(there.machine().files[`/etc/cloudflared/${backups.sort().at(-1)}`]!.content).toContain(
			'h3.sajet.us'
		);
		expect(there.names()).toContain('config.yml.bak');
	});

	// Each command of a write, with the connection cut before it does anything and after it has.
	const STEPS = [
		'realpath',
		'cp -p .*erpcore-new',
		'tee',
		'ingress validate',
		'systemd-run',
		'cp -p .*bak',
		'mv -T',
		'systemctl restart',
		'ls -1'
	];
	const cuts = STEPS.flatMap((step) => [
		{ step, when: 'before' as const },
		{ step, when: 'after' as const }
	]);
	test.each(cuts)(
		'SSH gone $when "$step": the next run ends in the same state',
		async ({ step, when }) => {
			kernel.faults.add({ target: 'ssh', kind: 'reset', match: step, when });
			expect(await failure(host.write(RULES))).toMatchObject({ kind: 'lost' });
			// Somewhere in the middle customers are served all the same.
			expect(there.machine().units.cloudflared).toMatchObject({ active: 'active' });
			kernel.faults.clear();
			await host.settle();
			const now = await host.read();
			expect(now.isInForce).toBe(true);
			expect(there.rules()).toEqual(now.rules);
			expect(Object.keys(there.machine().units)).toEqual(['cloudflared']);
			await host.write(RULES);
			expect(await host.read()).toMatchObject({ rules: RULES, isInForce: true });
			expect(there.rules()).toEqual(RULES);
			expect(there.names().some((name) => name.includes('erpcore-new'))).toBe(false);
			expect(Object.keys(there.machine().units)).toEqual(['cloudflared']);
		}
	);

	test('what is edited by hand and not read is not in force until it is settled', async () => {
		await later();
		there.edit(TEXT.replace('old.sajet.us', 'new.sajet.us'));
		expect(await host.read()).toMatchObject({ isInForce: false });
		await host.settle();
		expect(await host.read()).toMatchObject({ isInForce: true });
		expect(there.rules()![0]).toMatchObject({ hostname: 'new.sajet.us' });
	});

	test('an edit that does not do leaves the service as it is, and is told', async () => {
		await later();
		there.edit('ingress:\n  - service: [');
		expect(await failure(host.settle())).toMatchObject({ kind: 'refused' });
		expect(there.rules()![0]).toMatchObject({ hostname: 'old.sajet.us' });
		expect(await failure(host.read())).toMatchObject({ kind: 'malformed' });
		expect(await failure(host.write(RULES))).toMatchObject({ kind: 'malformed' });
	});

	test('no cloudflared, no service, no file: each is said', async () => {
		const elsewhere = cloudflared(AT, client.inside(105), unrecorded);
		delete there.machine().files[CONFIG];
		expect(await failure(elsewhere.read())).toMatchObject({ kind: 'no_config' });
		const other = cloudflared({ ...AT, unit: 'cloudflared-two' }, exec, unrecorded);
		expect(await failure(other.state())).toMatchObject({ kind: 'no_unit' });
		await pve.runningContainer(106, 'pve1');
		const bare = cloudflared(AT, client.inside(106), unrecorded);
		expect(await failure(bare.version())).toMatchObject({ kind: 'not_installed' });
	});

	test('a write is one recorded change; reads are none', async () => {
		const calls: RecordedCall[] = [];
		const recorded = cloudflared(AT, exec, (call, send) => {
			calls.push(call);
			return send();
		});
		await recorded.read();
		await recorded.write(RULES);
		expect(calls.map(({ operation, changes }) => [operation, changes])).toEqual([
			['cloudflared.read', false],
			['cloudflared.write', true]
		]);
		expect(JSON.stringify(calls[1]!.request)).not.toContain('credentials');
	});
});
