import { beforeEach, expect, it } from 'vitest';
import { after, DAY, HOUR, MINUTE, now, setClockOffset } from '#lib/core/clock.server.ts';
import { addMonths, startOfMonth } from '#lib/core/dates.ts';
import { asCustomer, db, transaction } from '#lib/core/db.server.ts';
import { createUnplacedTenant } from '../../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../../tests/setup/database.ts';
import { listTenantRows } from '../tenantList.server.ts';
import { beginPlannedOutages, endOutages, planFailed } from './plannedOutages.server.ts';
import { recordLooks } from './record.server.ts';
import { uptimeOf } from './uptime.server.ts';
import { uptimeSchema, uptimeView } from './uptimeView.server.ts';

await testDatabase();
beforeEach(() => setClockOffset(0));

async function onAir() {
	const tenant = await createUnplacedTenant(db, { isolation: 'shared' });
	await db.tenant.update({
		where: { id: tenant.id },
		data: { status: 'active', published: true, activatedAt: now() }
	});
	return tenant;
}

const zone = 'America/Guayaquil';
const sla = async ({ id }: { id: string }) =>
	(await db.tenant.findUniqueOrThrow({ where: { id }, include: { plan: true } })).plan
		.slaBasisPoints;

/** An hour of looks, some of them missed. */
const hour = (
	{ id: tenantId, customerId }: { id: string; customerId: string },
	at: Date,
	missed = 0
) =>
	db.tenantUptime.create({
		data: { tenantId, customerId, at, probes: 60, answered: 60 - missed }
	});
/** So far into a month that it has a past, and a rest. */
const middle = () =>
	setClockOffset(after(startOfMonth(now(), zone), 15 * DAY + HOUR).getTime() - Date.now());

it('shows the month of the zone, the one before, ninety days, and the outages of each apart', async () => {
	middle();
	const tenant = await onAir();
	const month = startOfMonth(now(), zone);
	for (let n = 0; n < 30; n++) await hour(tenant, after(month, n * HOUR), n === 0 ? 6 : 0);
	await hour(tenant, after(month, -HOUR), 30);
	const outage = (startedAt: Date, minutes: number, planned = false) => ({
		...{ tenantId: tenant.id, customerId: tenant.customerId, startedAt, planned },
		...{ endedAt: after(startedAt, minutes * MINUTE), seen: 'timeout' }
	});
	await db.tenantOutage.createMany({
		data: [
			outage(after(month, -10 * MINUTE), 16),
			outage(after(month, 5 * HOUR), 20, true),
			outage(addMonths(month, -3, zone), 60)
		]
	});
	const shown = await uptimeOf(db, {
		...{ tenantId: tenant.id, customerId: tenant.customerId, zone },
		slaBasisPoints: 9_900
	});
	const [current, last] = shown.months;
	expect(current).toMatchObject({
		...{ from: month, probes: 1_800, answered: 1_794, hours: 30, verdict: 'met' },
		...{ outages: 1, downMs: 6 * MINUTE, planned: 1, plannedMs: 20 * MINUTE }
	});
	expect(last).toMatchObject({ probes: 60, answered: 30, verdict: 'unknown', outages: 1 });
	expect(last!.downMs).toBe(10 * MINUTE);
	expect(shown.days).toHaveLength(90);
	expect(shown.days.at(-1)).toMatchObject({ probes: 0 });
	const known = shown.days.filter(({ probes }) => probes > 0);
	expect(known.map(({ probes }) => probes)).toEqual([60, 24 * 60, 6 * 60]);
	expect(shown.outages).toHaveLength(2);
	const view = uptimeSchema.parse(uptimeView(tenant.id, shown));
	expect(view.months[0]).toMatchObject({ down_seconds: 360, planned_seconds: 1_200 });
});

it('shows a customer its own alone', async () => {
	const [own, other] = [await onAir(), await onAir()];
	await hour(own, startOfMonth(now(), zone));
	await hour(other, startOfMonth(now(), zone));
	const scope = { customerId: own.customerId, userId: own.customerId };
	expect(await asCustomer(scope, (tx) => tx.tenantUptime.count())).toBe(1);
	const stolen = await asCustomer(scope, (tx) =>
		uptimeOf(tx, {
			...{ tenantId: other.id, customerId: other.customerId, zone, slaBasisPoints: 9_900 }
		})
	);
	expect(stolen.days.every(({ probes }) => probes === 0)).toBe(true);
});

it('counts against its month who stays off the air after a move that failed', async () => {
	const tenant = await onAir();
	const { id, customerId } = tenant;
	await db.tenant.update({ where: { id }, data: { status: 'migrating' } });
	const looks = async () => {
		await recordLooks([]);
		const of = { tenantId: id, customerId, slaBasisPoints: 9_900, zone };
		const { probes, answered, outages, planned } = (await uptimeOf(db, of)).months[0]!;
		return { probes, answered, outages, planned };
	};
	await transaction((tx) => beginPlannedOutages(tx, [id], after(now(), -HOUR)));
	expect(await looks()).toEqual({ probes: 0, answered: 0, outages: 0, planned: 1 });
	await transaction((tx) => planFailed(tx, [id], now()));
	expect(await looks()).toEqual({ probes: 1, answered: 0, outages: 1, planned: 1 });
	expect(await looks()).toMatchObject({ probes: 2, answered: 0 });
	// A second failure says nothing new.
	await transaction((tx) => planFailed(tx, [id], now()));
	expect(await db.tenantOutage.count({ where: { tenantId: id, endedAt: null } })).toBe(1);
	await transaction((tx) => endOutages(tx, [id], now()));
	expect(await looks()).toMatchObject({ probes: 2, outages: 1, planned: 1 });
});

it('narrows the list of instances to who is below its promise, or near it', async () => {
	middle();
	const [well, risky, bad] = [await onAir(), await onAir(), await onAir()];
	const month = startOfMonth(now(), zone);
	const left = (10_000 - (await sla(bad))) / 10_000;
	const whole = (addMonths(month, 1, zone).getTime() - month.getTime()) / MINUTE;
	for (const [tenant, share] of [
		[well, 0],
		[risky, 0.3],
		[bad, 2]
	] as const) {
		const missed = Math.floor(whole * left * share);
		for (let n = 0; n < 24; n++) await hour(tenant, after(month, n * HOUR));
		if (missed === 0) continue;
		await db.tenantUptime.create({
			data: {
				...{ tenantId: tenant.id, customerId: tenant.customerId, at: after(month, 2 * DAY) },
				...{ probes: missed, answered: 0 }
			}
		});
		await db.tenantOutage.create({
			data: {
				...{ tenantId: tenant.id, customerId: tenant.customerId, seen: 'timeout' },
				...{ startedAt: after(month, 2 * DAY), endedAt: after(month, 3 * DAY) }
			}
		});
	}
	const list = async (uptime: string) =>
		(
			await listTenantRows(db, {
				...{ q: '', sort: { key: 'created_at', direction: 'desc' as const } },
				...{ filters: { uptime }, page: 1, pageSize: 25, cursor: null }
			})
		).rows;
	expect(await list('missed')).toMatchObject([{ id: bad.id, uptime: { verdict: 'missed' } }]);
	expect(await list('at_risk')).toMatchObject([{ id: risky.id, uptime: { verdict: 'at_risk' } }]);
	const all = await list('nonsense');
	expect(all.length).toBeGreaterThan(2);
	expect(all.every(({ uptime }) => uptime === undefined)).toBe(true);
});
