import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import {
	buy,
	giveAway,
	makeRoom,
	someVisitor,
	typed,
	type PlanKey
} from '../../../tests/setup/buyers.ts';
import { holdStep } from '../../../tests/setup/heldSteps.ts';
import { expectNoOrphans, expectNothingLost } from '../../../tests/setup/orphans.ts';
import { outside } from '../../../tests/setup/outside.ts';
import { testPlatform } from '../../../tests/setup/platform.ts';
import { testProcesses } from '../../../tests/setup/processes.ts';
import { eventually } from '../../../tests/setup/queue.ts';
import { whose } from '../../../tests/setup/whose.ts';
import type { FaultRequest } from '../../sandbox/kernel/faults.ts';
import { openSignup } from './signups.server.ts';

const platform = await testPlatform({ work: false });
await makeRoom(platform, 1);
const world = outside(platform.sandbox);
const calls = whose(platform);
const processes = await testProcesses();
const began = Date.now();
let deaths = 0;

interface Point {
	call: string;
	target: FaultRequest['target'];
	match: string;
	when: 'before' | 'after';
	plan: PlanKey;
}

/** The call is held, before or after its effect, until its worker is dead: its answer never comes. */
function hold(point: Omit<Point, 'plan' | 'call'>, isMine: FaultRequest['only']): () => boolean {
	let isHeld = false;
	platform.fault({
		...{ target: point.target, match: point.match, kind: 'timeout', when: point.when },
		only: isMine,
		onTaken: () => {
			isHeld = true;
		}
	});
	return () => isHeld;
}

const both = (call: string, target: Point['target'], match: string, ...plans: PlanKey[]): Point[] =>
	plans.flatMap((plan) =>
		(['before', 'after'] as const).map((when) => ({ call, target, match, when, plan }))
	);

/** What steps change, one case for each side of each call; copies and the ingress document are shared and come later. */
const CHANGES: Point[] = [
	...both('limits', 'proxmox', '^PUT .*/config$', 'pro'),
	...both('disk', 'proxmox', '^PUT .*/resize$', 'pro'),
	...both('start', 'proxmox', '^POST .*/status/start$', 'pro'),
	...both('copy of the template', 'ssh', 'odoo-bin db .*duplicate', 'pro', 'basic'),
	...both('settings', 'ssh', 'odoo-bin shell', 'pro', 'basic'),
	...both('record', 'cloudflare', '^POST .*/dns_records', 'pro'),
	{ call: 'look', target: 'edge', match: '/web/login', when: 'before', plan: 'basic' }
];

const UNDOING: Omit<Point, 'when'>[] = [
	{ call: 'record', target: 'cloudflare', match: '^DELETE .*/dns_records', plan: 'pro' },
	{ call: 'stop', target: 'proxmox', match: '^POST .*/status/stop$', plan: 'pro' },
	{ call: 'container', target: 'proxmox', match: '^DELETE .*/lxc/', plan: 'pro' },
	{ call: 'database', target: 'ssh', match: 'odoo-bin db .*drop', plan: 'basic' },
	{ call: 'subscription', target: 'stripe', match: '^DELETE /v1/subscriptions/', plan: 'pro' },
	{ call: 'money', target: 'stripe', match: '^POST /v1/credit_notes', plan: 'pro' }
];

let tenants = 0;
async function given(point: Point): Promise<{ slug: string; isHeld: () => boolean }> {
	const slug = `kill-${++tenants}`;
	const isHeld = hold(point, (line, context) => calls.slugOf(point.target, line, context) === slug);
	await giveAway(point.plan, slug, (jobId) => calls.known(jobId, slug));
	return { slug, isHeld };
}

const untilHeld = (...points: { isHeld: () => boolean }[]) =>
	eventually(async () => points.every(({ isHeld }) => isHeld()), 150);

/** Kills the worker, and lets another one finish. */
async function kill(worker: Awaited<ReturnType<typeof processes.start>>) {
	await worker.kill();
	deaths += 1;
	return processes.start('worker');
}

async function expectReady(slug: string): Promise<void> {
	await eventually(async () => {
		const tenant = await db.tenant.findFirst({ where: { slug }, select: { id: true } });
		if (!tenant) return null;
		return db.provisioningJob.findFirst({
			where: { subjectId: tenant.id, status: { in: ['succeeded', 'compensated'] } }
		});
	}, 200);
	const tenant = await db.tenant.findFirstOrThrow({ where: { slug } });
	expect(tenant).toMatchObject({ slug, status: 'active' });
	await expectNoOrphans(platform, slug);
	expect((await platform.open(`${slug}.sajet.us`, '/web/login')).body).toContain(`value="${slug}"`);
}

afterAll(() => {
	const seconds = Math.round((Date.now() - began) / 1000);
	process.stdout.write(
		`${tenants} set-ups over ${deaths} deaths of their worker in ${seconds} s\n`
	);
});

describe('a worker that is killed', { timeout: 400_000 }, () => {
	it('in a step, before or after its call took effect, is followed by one that finishes each', async () => {
		let worker = await processes.start('worker');
		const all = await Promise.all(CHANGES.map((point) => given(point)));
		await untilHeld(...all);
		worker = await kill(worker);
		for (const { slug } of all) await expectReady(slug);

		// What is shared: one copy of a template at a time, one ingress document.
		for (const when of ['before', 'after'] as const) {
			const put = await given({
				...{ call: 'ingress', target: 'cloudflare', match: '^PUT .*/configurations', when },
				plan: 'basic'
			});
			const ingress = hold(
				{ target: 'cloudflare', match: '^PUT .*/configurations', when },
				undefined
			);
			await untilHeld({ isHeld: ingress });
			const copies = await given({
				...{ call: 'copy', target: 'proxmox', match: '^POST .*/clone$', when, plan: 'pro' }
			});
			await untilHeld(copies);
			worker = await kill(worker);
			await expectReady(put.slug);
			await expectReady(copies.slug);
		}
		await expectNothingLost(platform);
		await worker.kill();
	});

	it('in a step that asks nobody, before or after it commits, is followed by one that finishes it', async () => {
		const all = await Promise.all(
			// A reservation that does not commit keeps every other one waiting, so that it comes last.
			['activate', 'place'].flatMap((step) =>
				(['after', 'before'] as const).map(async (when) => {
					const slug = `quiet-${++tenants}`;
					const { tenantId } = await giveAway('pro', slug, () => undefined);
					return { slug, tenantId, step, when, ...(await holdStep(tenantId, step, when)) };
				})
			)
		);
		let worker = await processes.start('worker');
		for (const { reach } of all) await reach();
		for (const { tenantId, step, when } of all) {
			const tenant = await db.tenant.findUniqueOrThrow({ where: { id: tenantId } });
			const done = step === 'place' ? tenant.containerId !== null : tenant.status === 'active';
			expect({ step, when, done }).toEqual({ step, when, done: when === 'after' });
		}
		await worker.kill();
		deaths += 1;
		for (const { release } of all) await release();
		worker = await processes.start('worker');
		for (const { slug, tenantId } of all) {
			await expectReady(slug);
			expect(await db.emailMessage.count({ where: { dedupeKey: `welcome:${tenantId}` } })).toBe(1);
			const activated = { action: 'tenants.activate', subjectId: tenantId };
			expect(await db.auditEntry.count({ where: activated })).toBe(1);
		}
		await expectNothingLost(platform);
		await worker.kill();
	});

	it.each(['before', 'after'] as const)(
		'while it undoes and gives back, %s a call took effect, is followed by one that does so once',
		async (when) => {
			let worker = await processes.start('worker');
			const points = UNDOING.map((point) => ({ ...point, when }));
			const all = await Promise.all(
				points.map(async (point) => {
					const slug = `undo-${++tenants}`;
					const host = `${slug}.sajet.us`;
					let signupId = '';
					platform.fault({
						...{ target: 'dns', kind: 'drop', times: 10_000, match: `^${slug}\\.` }
					});
					const record = () => world.records(host)[0]?.id ?? 'none';
					let recordId = 'none';
					const isHeld = hold(point, (line, context) => {
						if (recordId === 'none') recordId = record();
						if (point.call === 'record') return line.includes(recordId);
						if (point.call === 'database') return line.includes(` ${slug}`);
						if (point.call === 'money') return signupId !== '' && context.includes(signupId);
						return calls.slugOf(point.target, line, context) === slug;
					});
					({ signupId } = await buy(platform, point.plan, slug));
					return { slug, isHeld, signupId };
				})
			);
			await untilHeld(...all);
			worker = await kill(worker);
			for (const { slug, signupId } of all) {
				await eventually(async () => {
					const signup = await db.signup.findUniqueOrThrow({ where: { id: signupId } });
					const run = await db.provisioningJob.findFirst({
						where: { subjectId: signup.tenantId! }
					});
					return signup.status === 'refunded' && run?.status === 'compensated';
				}, 200);
				await expectNoOrphans(platform, slug);
			}
			await expectNothingLost(platform);
			await worker.kill();
		}
	);

	it('again and again at any moment, leaves nothing half done', async () => {
		const slugs = ['pro', 'basic', 'pro', 'basic'].map((plan, index) => ({
			plan: plan as PlanKey,
			slug: `often-${index}`
		}));
		let worker = await processes.start('worker');
		for (const { plan, slug } of slugs) await buy(platform, plan, slug);
		tenants += slugs.length;
		for (const pause of [700, 1900]) {
			await sleep(pause);
			worker = await kill(worker);
		}
		for (const { slug } of slugs) await expectReady(slug);
		await expectNothingLost(platform);
		await worker.kill();
	});
});

describe('a web process that is killed', { timeout: 120_000 }, () => {
	it.each(['before', 'after'] as const)(
		'%s Stripe has made the session, leaves a signup that goes on with that same session',
		async (when) => {
			const web = await processes.start('web');
			const slug = `visitor-${when}`;
			const isHeld = hold(
				{ target: 'stripe', match: '^POST /v1/checkout/sessions$', when },
				(_line, context) => context.includes(slug)
			);
			web.child.send({ open: typed('pro', slug) });
			await untilHeld({ isHeld });
			const left = await db.signup.findFirstOrThrow({
				where: { slug },
				include: { sessions: true }
			});
			await web.kill();
			const { signupId, url } = await openSignup(typed('pro', slug), someVisitor);
			expect(signupId).toBe(left.id);
			expect(url).toContain('/c/pay/');
			const sessions = await db.checkoutSession.findMany({ where: { signupId } });
			expect(sessions.map(({ id }) => id)).toEqual(left.sessions.map(({ id }) => id));
			expect(world.sessions(signupId)).toHaveLength(1);
			expect(world.sessions(signupId)[0]?.id).toBe(sessions[0]!.stripeSessionId);
		}
	);
});
