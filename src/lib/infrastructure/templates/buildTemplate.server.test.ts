import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { db, transaction } from '#lib/core/db.server.ts';
import { odoo } from '#lib/integrations/odoo/odoo.server.ts';
import { unrecorded } from '#lib/integrations/record.ts';
import { clusterEnrolment } from '../../../../tests/factories/infrastructure.ts';
import { placeTenant } from '../../../../tests/setup/containers.ts';
import { eventually } from '../../../../tests/setup/queue.ts';
import {
	build,
	input,
	staff,
	stepsOf,
	templateOf,
	testTemplates,
	until
} from '../../../../tests/setup/templates.ts';
import { ensureContainer } from '../containers/containers.server.ts';
import { odooIn } from '../containers/odooClient.server.ts';
import { enrolCluster } from '../nodes/enrol.server.ts';
import { sshOn } from '../nodes/sshPool.server.ts';
import { retryBuild } from './requestBuild.server.ts';
import { SETUP_SCRIPT, SETUP_VERSION } from './setupScript.server.ts';
import { SETUP_STEPS } from './setupSteps.ts';
import { buildForm } from './templateForms.ts';
import { makeCurrent, requestDeletion, retire } from './templates.server.ts';
import { templateView } from './templateView.server.ts';

const { sandbox, pve } = await testTemplates();

it('the steps of the product are those of the script', () => {
	const listed = execFileSync('bash', ['-s', '--', '--list'], { input: SETUP_SCRIPT });
	expect(listed.toString().trim().split('\n')).toEqual([...SETUP_STEPS]);
});

describe('the form', () => {
	it('takes no path, address or name that a shell or a log could read otherwise', async () => {
		const good = await input();
		const refused = (changes: object) =>
			buildForm.safeParse({ ...good, ...changes }).error?.issues.map(({ path }) => path[0]);
		expect(refused({ packages_path: '/a b.tar.gz' })).toEqual(['packages_path']);
		expect(refused({ packages_path: '/x/../etc/odoo.tar.gz' })).toEqual(['packages_path']);
		expect(refused({ packages_path: '/etc/shadow' })).toEqual(['packages_path']);
		expect(refused({ packages_path: '' })).toEqual(['packages_path']);
		expect(refused({ source: 'git' })).toEqual(['git_url', 'git_ref']);
		const git = { source: 'git', git_ref: '18.0' };
		expect(refused({ ...git, git_url: 'https://ana:secret@example.com/odoo' })).toEqual([
			'git_url'
		]);
		expect(refused({ ...git, git_url: 'https://github.com/odoo/odoo' })).toBeUndefined();
		expect(refused({ ...git, git_url: 'https://github.com/odoo/odoo', git_ref: '-x' })).toEqual([
			'git_ref'
		]);
		expect(refused({ odoo_version: '16' })).toEqual(['odoo_version']);
	});
});

describe('a build', () => {
	it('goes through every step, is registered, and tenants are made from it once it is current', async () => {
		const enrolled = await db.template.findFirstOrThrow({ where: { current: true } });
		const id = await build();
		const template = await until(id, 'ready');
		const steps = await stepsOf(id);
		expect(steps.map(({ name, status }) => `${name} ${status}`)).toEqual(
			['create', 'start', ...SETUP_STEPS, 'convert', 'register'].map((name) => `${name} done`)
		);
		expect(template).toMatchObject({ current: false, scriptVersion: SETUP_VERSION, error: null });
		expect(template.container).toMatchObject({
			status: 'stopped',
			ipAddress: null,
			odooVersion: '18.0'
		});
		const { vmid } = template.container;
		expect(await db.ipAddress.count({ where: { containerId: template.containerId } })).toBe(0);
		expect(pve.state.containers[vmid]).toMatchObject({
			status: 'stopped',
			config: {
				template: 1,
				unprivileged: 1,
				features: 'nesting=1',
				net0: expect.not.stringContaining('gw='),
				description: expect.stringContaining(template.containerId)
			}
		});
		const lines = await db.logEntry.findMany({
			where: { jobId: template.jobId!, stepName: 'nginx' }
		});
		expect(lines.map(({ message }) => message).join()).toContain('done: nginx');
		const calls = await db.vendorCall.findMany({
			where: { jobId: template.jobId!, vendor: 'ssh' }
		});
		expect(calls.map(({ operation }) => operation)).toContain('setup.databases');
		expect(calls.every(({ status }) => status === 'succeeded')).toBe(true);

		await transaction((tx) => makeCurrent(tx, id, staff));
		expect(await db.cluster.findFirstOrThrow()).toMatchObject({
			...{ templateVmid: vmid, odooVersion: '18.0', templatePrefix: 'tpl_18' }
		});
		const placed = await placeTenant();
		await eventually(
			async () => (await ensureContainer(placed.run, placed.place.containerId)).ready,
			30
		);
		const copied = sandbox.kernel.calls.list({ vendor: 'proxmox', match: `POST .*/${vmid}/clone` });
		expect(copied).not.toHaveLength(0);
		const inside = await odooIn(placed.place.containerId, {});
		try {
			expect(await inside.version()).toBe(18);
			expect(await inside.listDatabases()).toEqual(['tpl_18_en', 'tpl_18_es']);
			await inside.duplicateTemplate('tpl_18_es', 'acme');
			expect(await inside.databaseState('acme')).toBe('ready');
			expect(await inside.healthy()).toBe(true);
		} finally {
			await inside.close();
		}
		// Enrolling once more, as at each start of the demo, does not take the choice back.
		await transaction((tx) => enrolAgain(tx));
		expect(await db.cluster.findFirstOrThrow()).toMatchObject({ templateVmid: vmid });

		await transaction((tx) => makeCurrent(tx, enrolled.id, staff));
		await transaction((tx) => retire(tx, id, staff));
		await transaction((tx) => requestDeletion(tx, id, staff));
		await until(id, 'deleted');
		expect(pve.state.containers[vmid]).toBeUndefined();
		const audited = await db.auditEntry.findMany({
			where: { subjectId: id },
			orderBy: { at: 'asc' }
		});
		expect(audited.map(({ action }) => action.replace('infrastructure.template-', ''))).toEqual([
			...['build', 'ready', 'current', 'retire', 'delete']
		]);
	});

	it('of another version takes the cluster along, and what was promised before keeps its own', async () => {
		const enrolled = await db.template.findFirstOrThrow({ where: { current: true } });
		const before = await placeTenant();
		const id = await build({
			odoo_version: '19',
			source: 'git',
			git_url: 'https://github.com/odoo/odoo',
			git_ref: '19.0'
		});
		const { container } = await until(id, 'ready');
		await transaction((tx) => makeCurrent(tx, id, staff));
		expect(await db.cluster.findFirstOrThrow()).toMatchObject({
			...{ odooVersion: '19.0', templatePrefix: 'tpl_19' }
		});
		const after = await placeTenant();
		// What is still to be copied from it would wait for it for ever.
		const mayRetire = async () => (await templateView(db, enrolled.id)).may.retired;
		expect(await mayRetire()).toBe(false);
		await expect(transaction((tx) => retire(tx, enrolled.id, staff))).rejects.toMatchObject({
			...{ code: 'STILL_ALIVE' },
			params: { what: expect.stringContaining(`CT ${before.place.vmid} `) }
		});
		for (const { run, place } of [before, after])
			await eventually(async () => (await ensureContainer(run, place.containerId)).ready, 30);
		expect(await mayRetire()).toBe(true);
		const versions = [];
		for (const { place } of [before, after]) {
			const inside = await odooIn(place.containerId, {});
			versions.push(await inside.version());
			await inside.close();
		}
		expect(versions).toEqual([18, 19]);
		expect(container.odooVersion).toBe('19.0');
		await transaction((tx) => makeCurrent(tx, enrolled.id, staff));
	});

	it('without PostgreSQL inside is registered, but nothing is copied from it', async () => {
		const id = await build({ kind: 'odoo_only' });
		await until(id, 'ready');
		await expect(transaction((tx) => makeCurrent(tx, id, staff))).rejects.toMatchObject({
			code: 'WRONG_STATE'
		});
	});

	it('a bare Debian has neither Odoo nor PostgreSQL until their steps ran, and steps may run twice', async () => {
		const id = await build();
		sandbox.kernel.faults.add({
			target: 'ssh',
			match: 'bash -s -- python',
			kind: 'status',
			status: 1,
			body: 'E: mirror away',
			times: 99
		});
		await until(id, 'failed');
		const { container, error } = await templateOf(id);
		expect(error).toBe('E: mirror away');
		const shared = await sshOn(container.nodeId);
		const inside = odoo(
			{ version: 18, patienceMs: 0 },
			shared.client.inside(container.vmid),
			unrecorded
		);
		try {
			// PostgreSQL is there, Odoo is not.
			expect(await inside.listDatabases()).toEqual([]);
			await expect(inside.version()).rejects.toThrow('odoo-bin');
		} finally {
			shared.release();
		}
		sandbox.kernel.faults.clear();
		await transaction((tx) => retryBuild(tx, id, staff));
		await until(id, 'ready');
	});
});

/** What the demo does at each start. */
async function enrolAgain(tx: Parameters<typeof enrolCluster>[0]) {
	const { name } = await tx.cluster.findFirstOrThrow();
	const template = { vmid: 9018, node: 'pve1', hostname: 'tpl-odoo-18', cpuCores: 2, ramMb: 2048 };
	const usual = clusterEnrolment({ name });
	await enrolCluster(tx, { ...usual, nodes: [], template: { ...template, diskGb: 10 } });
}
