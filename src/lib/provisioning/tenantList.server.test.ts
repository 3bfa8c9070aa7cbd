import { beforeAll, expect, test } from 'vitest';
import { generateTenants } from '../../../tests/bench/rows.ts';
import { createCluster, createUnplacedTenant } from '../../../tests/factories/infrastructure.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { db } from '#lib/core/db.server.ts';
import type { StepStatus } from '#prisma/generated/enums.ts';
import { listTenantRows, listTenants, type TenantQuery } from './tenantList.server.ts';

const { url } = await testDatabase();

beforeAll(async () => {
	const tunnel = await db.tunnel.create({ data: { cloudflareId: 'tunnel', name: 'tunnel' } });
	await db.baseDomain.create({
		data: { name: 'sajet.us', zoneId: 'zone', tunnelId: tunnel.id, isDefault: true }
	});
	// 1,200 of which 60 are deleted.
	await generateTenants(url, 1_200);
});

async function list(query: Partial<TenantQuery>) {
	const { rows, meta } = await listTenants(db, {
		q: '',
		sort: { key: 'subdomain', direction: 'asc' },
		filters: {},
		page: 1,
		pageSize: 3,
		cursor: null,
		...query
	});
	return { names: rows.map(({ subdomain }) => subdomain), total: meta.total };
}

test('finds a rare word in the name, the company and the address, without those that are gone', async () => {
	expect(await list({ q: 'empresa-117' })).toEqual({
		names: ['empresa-117', 'empresa-1170', 'empresa-1171'],
		total: 11
	});
	expect(await list({ q: 'Empresa 77 S.A.' })).toEqual({ names: ['empresa-77'], total: 1 });
	expect(await list({ q: 'PERSONA77@' })).toEqual({ names: ['empresa-77'], total: 1 });
	expect(await list({ q: 'nobody' })).toEqual({ names: [], total: 0 });
	expect(await list({ q: '100%' })).toEqual({ names: [], total: 0 });
});

test('finds a common word, by page and with filters', async () => {
	expect(await list({ q: 'empresa' })).toEqual({
		names: ['empresa-1', 'empresa-10', 'empresa-1001'],
		total: 1_140
	});
	expect(await list({ q: 'empresa', filters: { status: 'deleted' } })).toMatchObject({ total: 60 });
	expect(await list({ q: 'empresa', filters: { plan: 'basic' } })).toMatchObject({ total: 0 });
	expect(await list({ q: 'empresa', filters: { status: 'failed' } })).toEqual({
		names: ['empresa-1007', 'empresa-507', 'empresa-7'],
		total: 3
	});
});

test('shows of each what is stored, and the step of those that are being set up', async () => {
	const waiting = await createUnplacedTenant(db, { slug: 'en-camino' });
	const done = await createUnplacedTenant(db, { slug: 'hecha' });
	await db.tenant.update({ where: { id: waiting.id }, data: { status: 'provisioning' } });
	const { clusterId } = await createCluster(db);
	const container = await db.container.findFirstOrThrow({ where: { clusterId } });
	await db.tenant.update({
		where: { id: done.id },
		data: {
			...{ status: 'active', activatedAt: new Date('2026-03-01T12:00:00Z') },
			containerId: container.id
		}
	});
	for (const { id } of [waiting, done]) {
		// An older run says nothing of the latest.
		await aRun(id, new Date('2026-01-01T12:00:00Z'), ['done', 'running']);
		await aRun(id, new Date('2026-02-01T12:00:00Z'), ['done', 'skipped', 'running', 'pending']);
	}
	const shown = async (q: string) =>
		listTenantRows(db, {
			...{ q, sort: { key: 'subdomain', direction: 'asc' }, filters: {} },
			...{ page: 1, pageSize: 100, cursor: null }
		});
	const [moving, still] = [await shown('en-camino'), await shown('hecha')];
	expect(moving.rows[0]).toMatchObject({ step: 'step-2', stepNumber: 3, steps: 4, node: null });
	expect(still.rows[0]).toMatchObject({ step: null, stepNumber: null, node: 'pve1', vmid: 9018 });
	const rows = [...moving.rows, ...still.rows, ...(await shown('')).rows];
	expect(rows).toHaveLength(102);
	const stored = await db.tenant.findMany({
		where: { id: { in: rows.map(({ id }) => id) } },
		include: {
			...{ plan: true, customer: true, baseDomain: true },
			container: { include: { node: true } }
		}
	});
	const byId = new Map(stored.map((tenant) => [tenant.id, tenant]));
	for (const { step: _step, stepNumber: _number, steps: _steps, ...facts } of rows) {
		const { plan, customer, baseDomain, container, ...tenant } = byId.get(facts.id)!;
		expect(facts).toEqual({
			...{ id: tenant.id, subdomain: tenant.slug, status: tenant.status, version: tenant.version },
			...{ baseDomain: baseDomain.name, planKey: plan.key, plan: plan.name },
			...{ companyName: customer.companyName, email: customer.email },
			...{ node: container?.node.name ?? null, vmid: container?.vmid ?? null },
			...{ databaseName: tenant.databaseName },
			...{ createdAt: tenant.createdAt, activatedAt: tenant.activatedAt }
		});
	}
});

function aRun(subjectId: string, createdAt: Date, statuses: StepStatus[]) {
	const steps = statuses.map((status, position) => ({
		position,
		status,
		name: `step-${position}`
	}));
	return db.provisioningJob.create({
		data: {
			saga: 'tenant.create',
			status: 'failed',
			subjectId,
			createdAt,
			steps: { create: steps }
		}
	});
}
