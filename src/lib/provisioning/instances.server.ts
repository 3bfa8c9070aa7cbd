import { DAY } from '#lib/core/clock.server.ts';
import { asCustomer, asOwner, type CustomerScope, type Tx } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import type { Isolation, Prisma } from '#prisma/generated/client.ts';
import { publicUrl } from '../domains/base/baseDomains.server.ts';
import { haForCustomer, type CustomerHa } from '../infrastructure/ha/haView.server.ts';
import { latestSample } from '../infrastructure/metrics/series.server.ts';
import { usesOf, type ResourceUse } from '../plans/uses.server.ts';
import { adminAccess, type AdminAccess } from './adminPassword.server.ts';
import { setting } from '../settings/settings.server.ts';
import { setupProgress, type SetupProgress } from './progress.server.ts';
import { uptimeOf, type Uptime } from './uptime/uptime.server.ts';

/** Raw measurements are kept this long. */
const MEASURED = 30 * DAY;
const SHOWN = 20;

const select = {
	id: true,
	customerId: true,
	slug: true,
	status: true,
	suspensionReason: true,
	isolation: true,
	activatedAt: true,
	deleteAfter: true,
	readOnlyAt: true,
	readOnlyReasons: true,
	createdAt: true,
	baseDomain: { select: { name: true } },
	plan: {
		select: {
			name: true,
			isolation: true,
			cpuCores: true,
			ramMb: true,
			diskGb: true,
			backupIntervalHours: true,
			supportChannel: true,
			slaBasisPoints: true
		}
	}
} satisfies Prisma.TenantSelect;

type Row = Prisma.TenantGetPayload<{ select: typeof select }>;

/** What was measured last; each value is null when that sample lacks it. */
export interface Usage {
	at: Date;
	/** 0–1 of the plan's cores. */
	cpuFraction: number | null;
	ramMb: number | null;
	diskGb: number | null;
}

export interface LastBackup {
	at: Date;
	sizeBytes: number | null;
	verifiedAt: Date | null;
}

/** One instance as its customer sees it. */
export interface Instance extends Omit<Row, 'baseDomain' | 'customerId'> {
	hostname: string;
	url: string;
	/** While it is being set up; null afterwards. */
	progress: SetupProgress | null;
	/** Null: nothing was measured. */
	usage: Usage | null;
	backup: LastBackup | null;
	/** What it uses of what its plan includes. */
	uses: ResourceUse[];
	/** How it has been answering; null before it was ever on the air. */
	uptime: Uptime | null;
	/** Its second server; null where its plan has none. */
	ha: CustomerHa | null;
	/** Null before there is an administrator, and for who may not know. */
	admin: AdminAccess | null;
}

const IN_SETUP = new Set<string>(['requested', 'waiting_capacity', 'provisioning', 'failed']);

/**
 * The instances of a customer, the newest first; one that is gone is shown only while there is no other.
 * @param may whether the person may know the administrator's access
 */
export async function instancesOf(
	scope: CustomerScope,
	may: { secret: boolean }
): Promise<Instance[]> {
	const zone = await setting('general.timezone');
	return asCustomer(scope, async (tx) => {
		const rows = await tx.tenant.findMany({
			where: { customerId: scope.customerId },
			select,
			orderBy: { createdAt: 'desc' },
			take: SHOWN
		});
		const living = rows.filter(({ status }) => status !== 'deleted' && status !== 'refunded');
		const shown = living.length > 0 ? living : rows.slice(0, 1);
		const seen: ({ row: Row } & Pick<Instance, 'usage' | 'backup' | 'uses' | 'uptime'>)[] = [];
		for (const row of shown) {
			seen.push({
				row,
				usage: await lastUsage(tx, row),
				backup: await lastBackup(tx, row.id),
				uses: await usesOf(tx, { customerId: row.customerId, tenantId: row.id }),
				uptime: row.activatedAt
					? await uptimeOf(tx, {
							...{ tenantId: row.id, customerId: row.customerId, zone },
							slaBasisPoints: row.plan.slaBasisPoints
						})
					: null
			});
		}
		// Times of other companies' set-ups and the administrator's access are the platform's to read; the rows are proved.
		return asOwner(tx, (owner) =>
			Promise.all(
				seen.map(async ({ row: { baseDomain, customerId, ...row }, ...facts }) => ({
					...row,
					...facts,
					hostname: `${row.slug}.${baseDomain.name}`,
					url: publicUrl(row.slug, baseDomain.name),
					progress: IN_SETUP.has(row.status) ? await setupProgress(owner, row.id) : null,
					ha: await haForCustomer(owner, row.id),
					admin: may.secret ? await adminAccess(owner, { id: row.id, customerId }) : null
				}))
			)
		);
	});
}

/** The customer's own tenant for a verb. @throws {AppError} TENANT_NOT_FOUND, also for somebody else's */
export async function ownTenant(tx: Tx, scope: CustomerScope, id: string) {
	const tenant = await tx.tenant.findFirst({
		where: { id, customerId: scope.customerId },
		select: { id: true, customerId: true, status: true }
	});
	if (!tenant) throw new AppError('TENANT_NOT_FOUND', { params: { id } });
	return tenant;
}

/** Of a container of its own: what it shares with others is not its use. */
async function lastUsage(
	tx: Tx,
	{ id, isolation }: { id: string; isolation: Isolation }
): Promise<Usage | null> {
	if (isolation === 'shared') return null;
	const sample = await latestSample(tx, { kind: 'tenant', id }, MEASURED);
	if (!sample) return null;
	const { at, cpuFraction, ramMb, diskGb } = sample;
	return { at, cpuFraction, ramMb, diskGb };
}

async function lastBackup(tx: Tx, tenantId: string): Promise<LastBackup | null> {
	const backup = await tx.backup.findFirst({
		where: { tenantId, status: 'succeeded' },
		orderBy: { startedAt: 'desc' },
		select: { startedAt: true, finishedAt: true, sizeBytes: true, verifiedAt: true }
	});
	return (
		backup && {
			at: backup.finishedAt ?? backup.startedAt,
			sizeBytes: backup.sizeBytes === null ? null : Number(backup.sizeBytes),
			verifiedAt: backup.verifiedAt
		}
	);
}
