/**
 * Dangerous acts ask for the password again, whatever the page has shown; and a company always has somebody who owns it.
 */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import '#lib/jobs/registry.server.ts';
import { act } from './access/act.ts';
import { entriesOf } from './access/entries.ts';
import { paramsOf } from './access/run.ts';
import { readSources } from './architecture/source.ts';
import { createMember, createStaff, sessionFor } from './factories/identity.ts';
import { createUnplacedTenant } from './factories/infrastructure.ts';
import { testDatabase } from './setup/database.ts';
import { testQueue } from './setup/queue.ts';

await testDatabase();
await testQueue({ work: false });

const root = fileURLToPath(new URL('..', import.meta.url));
const entries = readSources(root, ['src/routes']).flatMap(entriesOf);
function find(routeId: string, member: string) {
	const entry = entries.find((one) => one.routeId === routeId && one.member === member);
	if (!entry) throw new Error(`${routeId} has no ${member}`);
	return entry;
}
const administrator = await createStaff('administrator');
const staff = (stepUp: boolean) => sessionFor({ id: administrator.id }, { stepUp });

const TEAM = '/admin/customers/[id]/team';
const DANGEROUS = [
	['/admin/billing/invoices/[id]', 'void'],
	['/admin/billing/invoices/[id]', 'markPaid'],
	['/admin/billing/invoices/[id]', 'refund'],
	['/admin/billing/invoices/[id]', 'creditNote'],
	['/admin/billing/subscriptions/[id]', 'cancel'],
	['/admin/billing/dunning/[id]', 'stop'],
	['/admin/billing/dunning/[id]', 'now'],
	['/admin/customers/[id]', 'delete'],
	['/admin/domains/[id]', 'remove'],
	['/admin/domains/base', 'remove'],
	['/admin/domains/records', 'change'],
	['/admin/tunnels/[id]/hosts', 'remove'],
	['/admin/customers/[id]', 'erase'],
	[TEAM, 'transfer'],
	['/admin/tenants/[id]', 'delete'],
	['/admin/tenants/[id]', 'refund'],
	['/admin/tenants/[id]/usage', 'read_only'],
	['/tenant/portal/billing', 'cancel'],
	['/tenant/portal/domains/[id]', 'remove'],
	['/tenant/portal/team', 'transfer']
] as const;

it.each(DANGEROUS)('%s %s asks for the password again', async (routeId, action) => {
	const entry = find(routeId, `actions.${action}`);
	const owner = await createMember('owner');
	const { cookie } =
		entry.guard.kind === 'customer'
			? await sessionFor(owner, { stepUp: false })
			: await staff(false);
	const fields = { customer_id: owner.customerId };
	const answer = await act(entry, { params: await paramsOf(routeId), cookie, fields });
	expect(answer.status).toBe(303);
	expect(answer.location).toMatch(/^\/login\/confirm\?next=/);
});

/** Acts on machines that ask who is there, on their page and in the API alike; null: there is none. */
const ON_MACHINES: Record<string, { page: [string, string]; api: [string, string] | null }> = {
	'a node is enrolled': {
		page: ['/admin/infrastructure/nodes/new/[id]', 'finish'],
		api: ['/api/nodes', 'POST']
	},
	'a node is reached otherwise': {
		page: ['/admin/infrastructure/nodes/[id]/access', 'edit'],
		api: ['/api/nodes/[id]', 'PATCH']
	},
	'a node gets another token': {
		...{ page: ['/admin/infrastructure/nodes/[id]/access', 'token'], api: null }
	},
	'a node is removed': {
		page: ['/admin/infrastructure/nodes/[id]/access', 'remove'],
		api: ['/api/nodes/[id]', 'DELETE']
	},
	'a node is emptied': {
		page: ['/admin/infrastructure/nodes/[id]/drain', 'default'],
		api: ['/api/nodes/[id]/drain', 'POST']
	},
	'a container is rolled back': {
		page: ['/admin/infrastructure/containers/[id]', 'rollback'],
		api: ['/api/containers/[id]/rollback', 'POST']
	},
	'a console is opened': {
		...{ page: ['/admin/infrastructure/containers/[id]/console', 'open'], api: null }
	},
	'a server of databases is given up': {
		...{ page: ['/admin/infrastructure/containers/[id]', 'give_up_server'], api: null }
	},
	'a server of databases is removed': {
		...{ page: ['/admin/infrastructure/containers/[id]', 'remove_server'], api: null }
	},
	'a template is given up': {
		...{ page: ['/admin/infrastructure/templates/[id]', 'give_up'], api: null }
	},
	'a template is deleted': {
		...{ page: ['/admin/infrastructure/templates/[id]', 'delete'], api: null }
	}
};

describe('on machines', () => {
	it.each(Object.entries(ON_MACHINES))('%s only by who was asked', async (_what, { page, api }) => {
		const { cookie } = await staff(false);
		const [routeId, action] = page;
		const answer = await act(find(routeId, `actions.${action}`), {
			...{ params: await paramsOf(routeId), cookie, fields: {} }
		});
		expect([answer.status, answer.location]).toEqual([
			303,
			expect.stringMatching(/^\/login\/confirm\?next=/)
		]);
		if (!api) return;
		const said = await act(find(...api), { params: await paramsOf(api[0]), cookie });
		expect([said.status, said.body.error]).toEqual([403, 'STEP_UP_NEEDED']);
	});

	it('nothing else asks, so that page and API do not differ', () => {
		const asking: Record<string, number> = {};
		const sources = readSources(root, ['src/routes/admin/infrastructure', 'src/routes/api']);
		for (const { path, text } of sources) {
			const count = text.match(/\brequireStepUp\(event\)|\bstepUp: true/g)?.length ?? 0;
			const routeId = path.slice('src/routes'.length, path.lastIndexOf('/'));
			const isOnMachines = /^\/(admin\/infrastructure|api\/(nodes|containers))/.test(routeId);
			if (count > 0 && isOnMachines) asking[routeId] = count;
		}
		const listed: Record<string, number> = {};
		for (const { page, api } of Object.values(ON_MACHINES))
			for (const [routeId] of api ? [page, api] : [page])
				listed[routeId] = (listed[routeId] ?? 0) + 1;
		expect(asking).toEqual(listed);
	});
});

async function aTeam() {
	const owner = await createMember('owner', undefined, { fullName: 'Olga Dueña' });
	const member = await createMember(
		'member',
		{ id: owner.customerId },
		{ fullName: 'Mario Nuevo' }
	);
	const rows = await db.membership.findMany({ where: { customerId: owner.customerId } });
	const idOf = (userId: string) => rows.find((row) => row.userId === userId)!.id;
	const roles = async () => {
		const now = await db.membership.findMany({
			where: { customerId: owner.customerId },
			select: { user: { select: { fullName: true } }, role: { select: { key: true } } }
		});
		return Object.fromEntries(now.map(({ user, role }) => [user.fullName, role.key]));
	};
	return { owner, member, customerId: owner.customerId, idOf, roles };
}

describe('a company', () => {
	it('is handed over by staff, by name and for a reason, and never left without an owner', async () => {
		const { owner, member, customerId, idOf, roles } = await aTeam();
		const { cookie } = await staff(true);
		const at = { params: { id: customerId }, cookie };
		const transfer = (fields: Record<string, string>) =>
			act(find(TEAM, 'actions.transfer'), {
				...at,
				fields: { membership_id: idOf(member.id), ...fields }
			});
		const remove = (id: string) =>
			act(find(TEAM, 'actions.remove'), { ...at, fields: { membership_id: idOf(id) } });

		expect((await remove(owner.id)).status).toBe(409);
		expect((await transfer({ confirm: 'Otro', reason: 'llamada' })).data.errors).toHaveProperty(
			'confirm'
		);
		expect((await transfer({ confirm: 'Mario Nuevo', reason: '' })).data.errors).toHaveProperty(
			'reason'
		);
		expect(await roles()).toEqual({ 'Olga Dueña': 'owner', 'Mario Nuevo': 'member' });

		const done = await transfer({ confirm: 'Mario Nuevo', reason: 'Acta del 3 de mayo' });
		expect(done.status).toBe(200);
		expect(await roles()).toEqual({ 'Olga Dueña': 'manager', 'Mario Nuevo': 'owner' });
		const noted = await db.auditEntry.findFirstOrThrow({
			where: { action: 'identity.transfer_ownership', customerId }
		});
		expect(noted).toMatchObject({
			actorLabel: administrator.email,
			before: { emails: [owner.email] },
			after: { email: member.email, reason: 'Acta del 3 de mayo' }
		});
		// Sent twice it is done once; the new owner is the last one now.
		await transfer({ confirm: 'Mario Nuevo', reason: 'Acta del 3 de mayo' });
		expect(await db.auditEntry.count({ where: { action: noted.action, customerId } })).toBe(1);
		expect((await remove(member.id)).status).toBe(409);
		expect((await remove(owner.id)).status).toBe(200);
	});

	it('is handed over by its owner, by name', async () => {
		const { owner, member, customerId, idOf, roles } = await aTeam();
		const { cookie } = await sessionFor(owner);
		const transfer = (confirm: string) =>
			act(find('/tenant/portal/team', 'actions.transfer'), {
				...{ params: {}, cookie },
				fields: { customer_id: customerId, membership_id: idOf(member.id), confirm }
			});
		expect((await transfer('Olga Dueña')).data.errors).toHaveProperty('confirm');
		expect((await transfer('Mario Nuevo')).location).toBe('/tenant/portal/team');
		expect(await roles()).toEqual({ 'Olga Dueña': 'manager', 'Mario Nuevo': 'owner' });
		// Who handed it over has nothing more to hand over.
		expect((await transfer('Mario Nuevo')).status).toBe(403);
	});
});

it('writing is taken from an instance by name and for a reason', async () => {
	const { id, slug, customerId } = await createUnplacedTenant(db);
	const { cookie } = await staff(true);
	const take = (fields: Record<string, string>) =>
		act(find('/admin/tenants/[id]/usage', 'actions.read_only'), { params: { id }, cookie, fields });
	expect((await take({ on: 'true', confirm: slug })).data.errors).toHaveProperty('reason');
	expect((await take({ on: 'true', confirm: 'otra', reason: 'abuso' })).data.errors).toHaveProperty(
		'confirm'
	);
	expect((await take({ on: 'true', confirm: slug, reason: 'abuso' })).status).toBe(200);
	expect((await take({ on: 'false' })).status).toBe(200);
	const acts = await db.auditEntry.findMany({
		where: { customerId, action: { endsWith: 'read-only' } },
		orderBy: { id: 'asc' }
	});
	expect(acts.map(({ action, after }) => [action, after])).toEqual([
		['tenants.ask-read-only', { read_only: ['staff'], reason: 'staff', why: 'abuso' }],
		['tenants.lift-read-only', { read_only: [], reason: 'staff' }]
	]);
});
