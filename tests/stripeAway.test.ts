/**
 * Stripe is away. Every page is shown from our own rows, whoever looks; every act says so and keeps what was typed, or is
 * written down and can be tried again. Pages are found in the route tree, so that a new one is tried by itself.
 */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { mirrorCards } from '#lib/billing/cards.server.ts';
import { previewChange } from '#lib/billing/changePreview.server.ts';
import { orderAct, orderChange } from '#lib/billing/changes.server.ts';
import { payLink } from '#lib/billing/dunningPayLink.server.ts';
import { refreshSubscription } from '#lib/billing/refresh.server.ts';
import { readAge } from '#lib/billing/stripeAge.server.ts';
import { db } from '#lib/core/db.server.ts';
import '#lib/jobs/registry.server.ts';
import { tuning } from '#lib/settings/clients.server.ts';
import type { Customer } from '#prisma/generated/client.ts';
import type { FaultRequest } from '../src/sandbox/kernel/faults.ts';
import { act } from './access/act.ts';
import { type Entry, entriesOf } from './access/entries.ts';
import { label, paramsOf } from './access/run.ts';
import { readSources } from './architecture/source.ts';
import { createMember, createStaff, sessionFor } from './factories/identity.ts';
import { anOpenInvoice, aPaidInvoice } from './factories/invoices.ts';
import { aPlan } from './factories/plans.ts';
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

let staff: { cookie: string };
beforeAll(async () => {
	staff = await sessionFor({ id: (await createStaff('administrator')).id });
});

/** Somebody who pays at Stripe, all of it mirrored, and the owner who is logged in. */
async function aPayer() {
	const world = await aPaidInvoice(stripe);
	await mirrorCards(world.paid.stripeCustomerId);
	return { ...world, ...(await ownerOf(world.customer)) };
}
async function aDebtor() {
	const world = await anOpenInvoice(stripe);
	return { ...world, ...(await ownerOf(world.customer)) };
}
async function ownerOf(customer: Customer) {
	const owner = await sessionFor(await createMember('owner', customer));
	return { owner, companyName: customer.companyName };
}
const caseOf = ({ subscription }: { subscription: { id: string } }) =>
	db.dunningCase.findFirstOrThrow({ where: { subscriptionId: subscription.id, closedAt: null } });
const by = { kind: 'staff' as const, id: null, label: 'pruebas' };
const scope = (world: { subscription: { id: string }; customer: { id: string } }) => ({
	id: world.subscription.id,
	customerId: world.customer.id
});

function find(routeId: string, member: string): Entry {
	const entry = entries.find((one) => one.routeId === routeId && one.member === member);
	if (!entry) throw new Error(`${routeId} has no ${member}`);
	return entry;
}

describe('a page is shown without asking Stripe', () => {
	/** Ways to Stripe's own pages and papers are no pages of ours; the last fetches another of these. */
	const OTHERS =
		/\/pdf$|^\/\(public\)\/pay\/\[token\]\/\[invoice\]$|^\/\(public\)\/signup\/continue$|^\/api\/docs$/;
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

	beforeAll(async () => {
		const payer = await aPayer();
		const debtor = await aDebtor();
		const { key } = await aPlan({ amount: 9_900 });
		const { id: changeId } = await previewChange(scope(payer), { planKey: key }, by);
		known = {
			'customers/[id]': payer.customer.id,
			'subscriptions/[id]': payer.subscription.id,
			'pay/[subscription]': payer.subscription.id,
			'invoices/[id]': payer.invoice.id,
			'change/[id]': changeId,
			'change/[change]': changeId,
			'dunning/[id]': (await caseOf(debtor)).id,
			'pay/[token]': new URL(payLink(debtor.subscription.id, 'page')).pathname.split('/').at(-1)!
		};
		search = {
			'/tenant/portal/billing/change': `?subscription=${payer.subscription.id}`,
			'/api/signup/name': '?subdomain=cacao-real'
		};
		cookies = { staff: staff.cookie, user: staff.cookie, customer: payer.owner.cookie };
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
		const { status } = await act(entry, {
			...{ params, cookie: cookies[entry.guard.kind] ?? '', around: layoutsOf(entry) },
			search: search[entry.routeId]
		});
		expect(status).toBe(ELSEWHERE[entry.routeId] ?? 200);
		expect(stripe.calls()).toEqual([]);
	});
});

interface Case {
	what: string;
	entry: [routeId: string, member: string];
	/** A new one for each time. */
	sent: () => Promise<{
		params: Record<string, string>;
		cookie: string;
		fields?: Record<string, string>;
	}>;
}

const member = (world: { customer: { id: string } }, fields: Record<string, string> = {}) => ({
	customer_id: world.customer.id,
	...fields
});

/** What is not done without Stripe, and changes nothing. */
const REFUSED: Case[] = [
	{
		what: 'staff look what a change would cost',
		entry: ['/admin/billing/subscriptions/[id]/change', 'actions.preview'],
		sent: async () => {
			const { subscription } = await aPayer();
			const plan = await aPlan({ amount: 9_900 });
			return {
				params: { id: subscription.id },
				cookie: staff.cookie,
				fields: { plan: plan.key, interval: 'month', quantity: '2' }
			};
		}
	},
	{
		what: 'a customer looks what a change would cost',
		entry: ['/tenant/portal/billing/change', 'actions.preview'],
		sent: async () => {
			const world = await aPayer();
			const plan = await aPlan({ amount: 9_900 });
			const wanted = { plan: plan.key, interval: 'month', quantity: '2' };
			const fields = member(world, { subscription_id: world.subscription.id, ...wanted });
			return { params: {}, cookie: world.owner.cookie, fields };
		}
	},
	{
		what: 'a customer wants another card',
		entry: ['/tenant/portal/billing', 'actions.card'],
		sent: async () => {
			const world = await aPayer();
			return { params: {}, cookie: world.owner.cookie, fields: member(world) };
		}
	},
	{
		what: 'a customer wants another card for a change',
		entry: ['/tenant/portal/billing/change/[id]', 'actions.card'],
		sent: async () => {
			const world = await aPayer();
			const plan = await aPlan({ amount: 9_900 });
			const { id } = await previewChange(scope(world), { planKey: plan.key }, by);
			return { params: { id }, cookie: world.owner.cookie, fields: member(world) };
		}
	},
	{
		what: 'a customer wants to pay with another card',
		entry: ['/tenant/portal/billing/invoices/[id]', 'actions.page'],
		sent: async () => {
			const world = await aDebtor();
			return {
				params: { id: world.invoice.id },
				cookie: world.owner.cookie,
				fields: member(world)
			};
		}
	},
	{
		what: 'staff try the card of a late payment now',
		entry: ['/admin/billing/dunning/[id]', 'actions.retry'],
		sent: async () => {
			const { id } = await caseOf(await aDebtor());
			return { params: { id }, cookie: staff.cookie, fields: {} };
		}
	}
];

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

interface Queued extends Case {
	/** The button beside the row that waits. */
	again: (row: { id: string }) => {
		entry: [routeId: string, member: string];
		fields: Record<string, string>;
	};
}

const SUBSCRIPTION = '/admin/billing/subscriptions/[id]';
const INVOICE = '/admin/billing/invoices/[id]';
const changeAgain: Queued['again'] = ({ id }) => ({
	entry: [SUBSCRIPTION, 'actions.again'],
	fields: { change_id: id }
});
const actAgain: Queued['again'] = ({ id }) => ({
	entry: [INVOICE, 'actions.again'],
	fields: { act: id }
});

function ofSubscription(
	what: string,
	action: string,
	fields: (world: Awaited<ReturnType<typeof aPayer>>) => Promise<Record<string, string>>
): Queued {
	return {
		what,
		entry: [SUBSCRIPTION, `actions.${action}`],
		sent: async () => {
			const world = await aPayer();
			const own = { subscription_id: world.subscription.id, ...(await fields(world)) };
			return { params: { id: world.subscription.id }, cookie: staff.cookie, fields: own };
		},
		again: changeAgain
	};
}

function ofInvoice(what: string, action: string, isOpen: boolean, amount?: string): Queued {
	return {
		what,
		entry: [INVOICE, `actions.${action}`],
		sent: async () => {
			const { invoice } = isOpen ? await aDebtor() : await aPayer();
			const fields = { reason: 'pruebas', confirm: invoice.number ?? '' };
			return {
				params: { id: invoice.id },
				cookie: staff.cookie,
				fields: { ...fields, ...(amount && { amount }) }
			};
		},
		again: actAgain
	};
}

/** What is written down first, and done as soon as Stripe is back. */
const QUEUED: Queued[] = [
	ofSubscription('an end with the period', 'cancel', async ({ companyName }) => ({
		when: 'period_end',
		confirm: companyName
	})),
	ofSubscription('an end now', 'cancel', async ({ companyName }) => ({
		when: 'now',
		confirm: companyName
	})),
	ofSubscription('an end that is taken back', 'resume', async (world) => {
		await orderAct(scope(world), 'cancel_at_end', {}, by);
		return {};
	}),
	ofSubscription('free time', 'freeTime', async () => ({
		until: new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10),
		reason: 'pruebas'
	})),
	{
		what: 'a change of plan',
		entry: ['/tenant/portal/billing/change/[id]', 'actions.order'],
		sent: async () => {
			const world = await aPayer();
			const { key } = await aPlan({ amount: 9_900 });
			const { id } = await previewChange(scope(world), { planKey: key }, by);
			return { params: { id }, cookie: world.owner.cookie, fields: member(world) };
		},
		again: changeAgain
	},
	ofInvoice('a payment that staff try', 'retry', true),
	ofInvoice('an invoice that is given up', 'void', true),
	ofInvoice('an invoice that was paid elsewhere', 'markPaid', true),
	ofInvoice('a refund', 'refund', false, '10,00'),
	ofInvoice('a credit note', 'creditNote', false, '10,00'),
	{
		what: 'a payment that a customer tries',
		entry: ['/tenant/portal/billing/invoices/[id]', 'actions.pay'],
		sent: async () => {
			const world = await aDebtor();
			return {
				params: { id: world.invoice.id },
				cookie: world.owner.cookie,
				fields: member(world)
			};
		},
		again: actAgain
	}
];

/** Changes and acts that wait for Stripe. */
async function waiting() {
	const where = { status: 'ordered' as const };
	return [
		...(await db.subscriptionChange.findMany({ where })),
		...(await db.invoiceAct.findMany({ where }))
	];
}

describe('an act that Stripe has to do is written down, and tried again when somebody says so', () => {
	it.each(QUEUED.map((one) => [one.what, one] as const))(
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
	const shown = await previewChange(scope(world), { planKey: key }, by);
	goAway();
	const order = () => orderChange({ changeId: shown.id, customerId: world.customer.id }, by);
	expect([(await order()).status, (await order()).status]).toEqual(['ordered', 'ordered']);
	comeBack();
	expect([(await order()).status, (await order()).status]).toEqual(['applied', 'applied']);
	const { data } = await stripe.api.invoices.list({ customer: world.paid.stripeCustomerId });
	expect(data.map(({ amount_paid }) => amount_paid)).toEqual([shown.amountDue, 4_900]);
});
