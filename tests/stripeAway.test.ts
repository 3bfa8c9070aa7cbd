/**
 * Stripe is away. Every page is shown from our own rows, whoever looks; every act says so and keeps what was typed, or is
 * written down and can be tried again. Pages are found in the route tree, so that a new one is tried by itself.
 */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { previewChange } from '#lib/billing/changePreview.server.ts';
import { orderChange } from '#lib/billing/changes.server.ts';
import { payLink } from '#lib/billing/dunningPayLink.server.ts';
import { refreshSubscription } from '#lib/billing/refresh.server.ts';
import { readAge } from '#lib/billing/stripeAge.server.ts';
import { db } from '#lib/core/db.server.ts';
import '#lib/jobs/registry.server.ts';
import { tuning } from '#lib/settings/clients.server.ts';
import type { FaultRequest } from '../src/sandbox/kernel/faults.ts';
import { act } from './access/act.ts';
import { type Entry, entriesOf } from './access/entries.ts';
import { label, paramsOf } from './access/run.ts';
import { queuedCases, refusedCases } from './access/stripeAwayCases.ts';
import { readSources } from './architecture/source.ts';
import { aContainerAct, createUnplacedTenant } from './factories/infrastructure.ts';
import type { ContainerAct } from '#prisma/generated/client.ts';
import { caseOf, payersAt, scopeOf, someStaff } from './factories/payers.ts';
import { aPlan } from './factories/plans.ts';
import { aPublishedDomain } from './factories/tunnels.ts';
import { testDatabase } from './setup/database.ts';
import { testQueue } from './setup/queue.ts';
import { testStripe } from './setup/stripe.ts';

vi.setConfig({ testTimeout: 60_000 });
await testDatabase();
const stripe = await testStripe();
await testQueue({ work: false });
Object.assign(tuning, { stripeTimeoutMs: 300, stripeReadRetries: 0 });

const root = fileURLToPath(new URL('..', import.meta.url));
const entries = readSources(root, ['src/routes'])
	.flatMap(entriesOf)
	.filter(({ routeId }) => !routeId.startsWith('/dev/'));

type Fault = Omit<FaultRequest, 'target'>;
const FAULTS: Record<string, Fault> = {
	'503': {
		kind: 'status',
		status: 503,
		body: '{"error":{"type":"api_error","message":"unavailable"}}'
	},
	silence: { kind: 'timeout' },
	'a cut line': { kind: 'reset' }
};
const goAway = (fault: Fault = FAULTS['503']!) => stripe.fault({ ...fault, times: 10_000 });
const comeBack = () => stripe.kernel.faults.clear();

const payers = await payersAt(stripe);
const { aPayer, aDebtor, staff } = payers;
const REFUSED = refusedCases(payers);

function find(routeId: string, member: string): Entry {
	const entry = entries.find((one) => one.routeId === routeId && one.member === member);
	if (!entry) throw new Error(`${routeId} has no ${member}`);
	return entry;
}

describe('a page is shown without asking Stripe', () => {
	/** Ways to Stripe's own pages and papers are no pages of ours; the last but one fetches another of these, the last asks Proxmox. */
	const OTHERS =
		/\/pdf$|^\/\(public\)\/pay\/\[token\]\/\[invoice\]$|^\/\(public\)\/signup\/continue$|^\/api\/docs$|^\/api\/containers\/\[id\]\/snapshots$/;
	const loads = entries.filter(({ method }) => method === 'GET');
	const pages = loads.filter(({ routeId }) => !OTHERS.test(routeId));
	const layoutsOf = ({ routeId, file }: Entry) =>
		loads
			.filter((one) => one.file.endsWith('+layout.server.ts') && one.file !== file)
			.filter(
				(one) => routeId.startsWith(`${one.routeId.replace(/\/$/, '')}/`) || one.routeId === routeId
			)
			.sort((a, b) => a.routeId.length - b.routeId.length);
	/** Lead elsewhere by themselves. */
	const ELSEWHERE: Record<string, number> = {
		'/(auth)/login/second-factor': 303,
		'/(auth)/logout': 303,
		'/admin/nodes': 308,
		'/tenant/portal/billing/pay/[subscription]': 303,
		'/tenant/switch': 303
	};
	let known: Record<string, string>;
	let search: Record<string, string>;
	let cookies: Record<string, string>;
	/** An act is one of its container's. */
	let done: ContainerAct;

	beforeAll(async () => {
		const payer = await aPayer();
		const debtor = await aDebtor();
		const { key } = await aPlan({ amount: 9_900 });
		const { id: changeId } = await previewChange(scopeOf(payer), { planKey: key }, someStaff);
		const tenant = { ...(await createUnplacedTenant(db)), customerId: payer.customer.id };
		const { id, customerId } = tenant;
		await db.tenant.update({ where: { id }, data: { customerId } });
		const domain = await aPublishedDomain(db, tenant, 'erp.pagador.com');
		known = {
			'customers/[id]': payer.customer.id,
			'subscriptions/[id]': payer.subscription.id,
			'pay/[subscription]': payer.subscription.id,
			'invoices/[id]': payer.invoice.id,
			'change/[id]': changeId,
			'change/[change]': changeId,
			'domains/[id]': domain.id,
			'dunning/[id]': (await caseOf(debtor)).id,
			'pay/[token]': new URL(payLink(debtor.subscription.id, 'page')).pathname.split('/').at(-1)!
		};
		search = {
			'/tenant/portal/billing/change': `?subscription=${payer.subscription.id}`,
			'/api/signup/name': '?subdomain=cacao-real'
		};
		cookies = { staff: staff.cookie, user: staff.cookie, customer: payer.owner.cookie };
		done = await aContainerAct(db);
		goAway();
		stripe.forget();
	});

	it('finds them', () => {
		expect(pages.length).toBeGreaterThan(60);
	});

	it.each(pages.map((entry) => [label(entry), entry] as const))('%s', async (_, entry) => {
		goAway();
		const params = await paramsOf(entry.routeId);
		for (const [key, value] of Object.entries(known)) {
			const [folder, name = ''] = key.split('/');
			if (entry.routeId.includes(`/${folder}/${name}`)) params[name.slice(1, -1)] = value;
		}
		if ('act' in params) Object.assign(params, { id: done.containerId, act: done.id });
		const { status } = await act(entry, {
			...{ params, cookie: cookies[entry.guard.kind] ?? '', around: layoutsOf(entry) },
			search: search[entry.routeId]
		});
		expect(status).toBe(ELSEWHERE[entry.routeId] ?? 200);
		expect(stripe.calls()).toEqual([]);
	});
});

describe('an act that needs Stripe is refused, and what was typed stays', () => {
	it.each(REFUSED.map((one) => [one.what, one] as const))('%s', async (_, { entry, sent }) => {
		const given = await sent();
		const before = await db.subscriptionChange.count();
		goAway();
		const { status, data } = await act(find(...entry), given);
		expect(status).toBe(503);
		expect(data.message).toContain('no responde');
		expect(data.values).toEqual(given.fields);
		expect(await db.subscriptionChange.count()).toBe(before);
	});

	it.each(Object.keys(FAULTS))('the same for %s', async (kind) => {
		const [first] = REFUSED;
		const given = await first!.sent();
		goAway(FAULTS[kind]);
		expect((await act(find(...first!.entry), given)).data.message).toContain('no responde');
	});

	it('programs are told the same, and when to come again', async () => {
		const { subscription } = await aPayer();
		const { key } = await aPlan({ amount: 9_900 });
		goAway();
		const { status, body } = await act(find('/api/subscriptions/[id]/upgrade', 'POST'), {
			params: { id: subscription.id },
			cookie: staff.cookie,
			fields: { plan: key }
		});
		expect([status, body.error]).toEqual([503, 'PAYMENT_UNAVAILABLE']);
	});

	it('a paper that only Stripe has is not there for now', async () => {
		const { invoice } = await aPayer();
		goAway();
		const { status, body } = await act(find('/api/invoices/[id]/pdf', 'GET'), {
			params: { id: invoice.id },
			cookie: staff.cookie
		});
		expect([status, body.error]).toEqual([503, 'PAYMENT_UNAVAILABLE']);
	});

	it('who comes with a link to pay is led back to what is owed', async () => {
		const { subscription, invoice } = await aDebtor();
		const token = new URL(payLink(subscription.id, 'mail')).pathname.split('/').at(-1)!;
		goAway();
		const { status, location } = await act(find('/(public)/pay/[token]/[invoice]', 'GET'), {
			params: { token, invoice: invoice.id },
			cookie: ''
		});
		expect([status, location]).toEqual([302, `/pay/${token}?away`]);
	});
});

/** Changes and acts that wait for Stripe. */
async function waiting() {
	const where = { status: 'ordered' as const };
	return [
		...(await db.subscriptionChange.findMany({ where })),
		...(await db.invoiceAct.findMany({ where }))
	];
}

describe('an act that Stripe has to do is written down, and tried again when somebody says so', () => {
	it.each(queuedCases(payers).map((one) => [one.what, one] as const))(
		'%s',
		async (_, { entry, sent, again }) => {
			const given = await sent();
			expect(await waiting()).toEqual([]);
			goAway();
			const { status, data } = await act(find(...entry), given);
			expect(status).toBe(200);
			// Nobody is told that it is done.
			if (data.message) expect(data.message).toMatch(/no respond|Estamos procesando/);
			const [row, ...more] = await waiting();
			expect(more).toEqual([]);
			const button = again(row!);
			const page = {
				params: { id: 'invoiceId' in row! ? row.invoiceId : row!.subscriptionId },
				cookie: staff.cookie,
				fields: button.fields
			};
			const told = await act(find(...button.entry), page);
			expect([told.status, (await waiting()).length]).toEqual([200, 1]);
			expect(told.data.message).toMatch(/no respond/);

			comeBack();
			await act(find(...button.entry), page);
			expect(await waiting()).toEqual([]);
		}
	);
});

describe('how old our copy is', () => {
	it('is said from the first call that nobody answers to the first answer', async () => {
		comeBack();
		const { paid } = await aPayer();
		expect(await readAge()).toBeNull();
		goAway();
		await expect(refreshSubscription(paid.stripeSubscriptionId)).rejects.toThrow();
		const age = await readAge();
		expect(age?.awaySince).toBeInstanceOf(Date);
		expect(age!.at <= age!.awaySince!).toBe(true);
		comeBack();
		await refreshSubscription(paid.stripeSubscriptionId);
		expect(await readAge()).toBeNull();
	});

	it('is said when events wait, and when nobody asks', async () => {
		const minutes = (ago: number) => new Date(Date.now() - ago * 60_000);
		const late = await db.stripeEvent.create({
			data: {
				...{ eventId: 'evt_late', eventType: 'invoice.paid', payload: {} },
				...{ createdAt: minutes(5), receivedAt: minutes(5) }
			}
		});
		expect(await readAge()).toEqual({ at: late.receivedAt, awaySince: null });
		// One that fails for its own reasons says nothing of the others.
		await db.stripeEvent.update({ where: { id: late.id }, data: { attempts: 8 } });
		expect(await readAge()).toBeNull();
		const answeredAt = minutes(20);
		await db.vendorState.update({ where: { vendor: 'stripe' }, data: { answeredAt } });
		expect(await readAge()).toEqual({ at: answeredAt, awaySince: null });
	});
});

it('an upgrade that was ordered twice while Stripe was away is charged once', async () => {
	const world = await aPayer();
	const { key } = await aPlan({ amount: 9_900 });
	const shown = await previewChange(scopeOf(world), { planKey: key }, someStaff);
	goAway();
	const order = () => orderChange({ changeId: shown.id, customerId: world.customer.id }, someStaff);
	expect([(await order()).status, (await order()).status]).toEqual(['ordered', 'ordered']);
	comeBack();
	expect([(await order()).status, (await order()).status]).toEqual(['applied', 'applied']);
	const { data } = await stripe.api.invoices.list({ customer: world.paid.stripeCustomerId });
	expect(data.map(({ amount_paid }) => amount_paid)).toEqual([shown.amountDue, 4_900]);
});
