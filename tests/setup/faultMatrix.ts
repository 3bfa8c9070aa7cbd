import { afterAll, describe, expect, it } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import { createTenantSaga } from '#lib/provisioning/createTenant.server.ts';
import { buy, giveAway, makeRoom, type PlanKey } from './buyers.ts';
import {
	LASTING,
	PASSING,
	PAYMENT,
	SHARED_READS,
	SHARED_WRITES,
	type FaultCase
} from './faultCases.ts';
import { beImpatient } from './impatience.ts';
import { expectNoOrphans, expectNothingLost } from './orphans.ts';
import { testPlatform, type TestPlatform } from './platform.ts';
import { whose, type Whose } from './whose.ts';

interface Row extends FaultCase {
	slug: string;
	/** Paid at Stripe, so that failing must give the money back; or given away, which is as good for the steps. */
	paid: boolean;
	expected: 'active' | 'refunded';
	struck: number;
	/** Strikes until the run is being undone, and not what undoes it. */
	isLasting: boolean;
	name: string;
}

/** Far more than it takes, for machines that do much else meanwhile. */
const PATIENCE = 900_000;

/**
 * Every fault of every call of every step of a plan's set-up, as tests of the calling file. All set-ups run at the same
 * time in this process, each with a fault of its own, so that what waits for a timeout waits together.
 * The variable FAULTS narrows them to those whose name it matches.
 */
export async function faultMatrix(plan: PlanKey): Promise<void> {
	const platform = await testPlatform();
	beImpatient();
	// One tenant in each shared container, so that a container says for whom it is.
	await makeRoom(platform, 1);
	// Hundreds at once are more than an hour's sales: what waits for Cloudflare's allowance is tried in other places.
	await db.setting.create({
		data: { key: 'cloudflare.calls_per_window', category: 'cloudflare', value: 100_000 }
	});
	const calls = whose(platform);
	const rows = rowsOf(plan);
	const started = Date.now();
	const ended = watch();
	arm(platform, calls, rows, observe(calls));
	for (const { paid, slug } of rows) {
		if (paid) await buy(platform, plan, slug);
		else await giveAway(plan, slug, (jobId) => calls.known(jobId, slug));
	}
	afterAll(() => {
		const seconds = Math.round((Date.now() - started) / 1000);
		process.stdout.write(`${rows.length} faults of ${plan} set-ups in ${seconds} s\n`);
	});

	describe(`whatever fails in the set-up of a ${plan} instance`, { timeout: PATIENCE }, () => {
		it.each(rows.map((row) => [row.name, row] as const))('%s', async (_name, row) => {
			await ended(row.slug);
			const { status } = await db.tenant.findFirstOrThrow({ where: { slug: row.slug } });
			const why = status === row.expected ? '' : await history(row.slug);
			expect({ status, struck: row.struck > 0, why }).toEqual({
				...{ status: row.expected, struck: true, why: '' }
			});
			await expectNoOrphans(platform, row.slug);
			if (row.expected !== 'active') return;
			const page = await platform.open(`${row.slug}.sajet.us`, '/web/login');
			expect(page.body).toContain(`value="${row.slug}"`);
		});

		it('and nothing is lost', async () => {
			await expectNothingLost(platform);
		});
	});
}

function rowsOf(plan: PlanKey): Row[] {
	const wanted = process.env.FAULTS ? new RegExp(process.env.FAULTS) : /./;
	const row = (one: FaultCase, paid: boolean, expected: Row['expected']): Omit<Row, 'slug'> => ({
		...{ ...one, paid, expected, struck: 0, isLasting: false },
		name: `${one.step} · ${one.call} · ${one.what}`
	});
	const isProxmox = ({ request }: FaultCase) => request.target === 'proxmox';
	// Container and database differ by plan, and so does undoing them; the rest is given up alike.
	const given = LASTING.filter(
		({ step }) => plan === 'pro' || step === 'container' || step === 'database'
	);
	const lasting = [...given.filter(isProxmox), ...given.filter((one) => !isProxmox(one))];
	// What passes is met by the same calls whatever the plan, and what is shared is shared: each is tried with one of them.
	// What all wait for is asked with the fewer set-ups; what is written for all is written often enough only for many.
	const passing = plan === 'pro' ? [...PASSING, ...SHARED_WRITES] : SHARED_READS;
	return [
		...passing.map((one) => row(one, false, 'active')),
		...(plan === 'pro' ? PAYMENT.map((one) => row(one, true, 'active')) : []),
		...lasting.map((one) => {
			// Paying takes time, in which a shared container that was given up would be taken by the next instead of a new one.
			const paid = plan === 'pro' || one.request.target !== 'proxmox';
			// What a task says is not needed: the container itself is looked at.
			const expected = one.call.startsWith('task of') ? 'active' : 'refunded';
			return { ...row(one, paid, expected), isLasting: true };
		})
	]
		.filter(({ name }) => wanted.test(name))
		.map((one, index) => ({ ...one, slug: `${plan}-${index}` }));
}

/**
 * Learns from the saga for whom a run is before its first call, and which are being undone; what it does stays as it is.
 * @returns the slugs of those that are being undone
 */
function observe(calls: Whose): ReadonlySet<string> {
	const slugs = new Map<string, string>();
	const undoing = new Set<string>();
	const { before, onCompensating } = createTenantSaga;
	createTenantSaga.before = async (context) => {
		if (!slugs.has(context.subjectId)) {
			const { slug } = await db.tenant.findUniqueOrThrow({ where: { id: context.subjectId } });
			slugs.set(context.subjectId, slug);
			calls.known(context.jobId, slug);
		}
		await before?.(context);
	};
	createTenantSaga.onCompensating = async (tx, run, reason) => {
		undoing.add(slugs.get(run.subjectId) ?? '');
		await onCompensating?.(tx, run, reason);
	};
	return undoing;
}

function arm(
	platform: TestPlatform,
	calls: Whose,
	rows: Row[],
	undoing: ReadonlySet<string>
): void {
	for (const row of rows) {
		const { target } = row.request;
		platform.fault({
			...row.request,
			// A call that is made for all set-ups together says for none of them.
			...(row.everybody
				? {}
				: {
						only: (line, context) =>
							!(row.isLasting && undoing.has(row.slug)) &&
							calls.slugOf(target, line, context) === row.slug
					}),
			onTaken: () => (row.struck += 1)
		});
	}
}

/** One look for all rows. @returns a promise for the end of a slug's run, its refund included */
function watch(): (slug: string) => Promise<void> {
	const over = new Set<string>();
	const look = async () => {
		const tenants = await db.$queryRaw<{ slug: string }[]>`
			SELECT tenant.subdomain AS slug FROM tenant_deployments tenant
			JOIN provisioning_jobs run ON run.subject_id = tenant.id
			LEFT JOIN signups signup ON signup.tenant_id = tenant.id
			WHERE run.status IN ('succeeded', 'compensated')
				AND (signup.id IS NULL OR signup.status IN ('completed', 'refunded'))`;
		for (const { slug } of tenants) over.add(slug);
	};
	const timer = setInterval(() => void look().catch(() => null), 500);
	afterAll(() => clearInterval(timer));
	return async (slug) => {
		while (!over.has(slug)) await new Promise((resolve) => setTimeout(resolve, 100));
	};
}

/** What a run wrote down, for a failure's sake. */
async function history(slug: string): Promise<string> {
	const tenant = await db.tenant.findFirstOrThrow({ where: { slug } });
	const run = await db.provisioningJob.findFirst({ where: { subjectId: tenant.id } });
	const log = await db.logEntry.findMany({
		where: { jobId: run?.id, level: { in: ['warning', 'error'] } },
		orderBy: { id: 'asc' }
	});
	return log.map(({ stepName, message }) => `${stepName}: ${message}`).join(' | ');
}
