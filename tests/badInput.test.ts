/**
 * Feeds every form and every endpoint what no client of ours sends. Generated from the route tree: a route that is added
 * later is covered without anybody thinking of it. Whatever comes in, nobody sees a 500.
 */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { EndpointHandler } from '#lib/identity/endpoint.server.ts';
import { handle } from '../src/hooks.server.ts';
import { type Entry, entriesOf } from './access/entries.ts';
import { answered, requestEvent } from './access/event.ts';
import { label, paramsOf, runOf } from './access/run.ts';
import { readSources } from './architecture/source.ts';
import { createMember, createStaff, sessionFor } from './factories/identity.ts';
import { testDatabase } from './setup/database.ts';
import { testQueue } from './setup/queue.ts';
import '#lib/jobs/registry.server.ts';

await testDatabase();
await testQueue({ work: false });

const root = fileURLToPath(new URL('..', import.meta.url));
const entries = readSources(root, ['src/routes'])
	.flatMap(entriesOf)
	// The gallery fails on purpose.
	.filter(({ routeId }) => !routeId.startsWith('/dev/'));
const actions = entries.filter(({ member }) => member.startsWith('actions'));
const handlers = entries.filter(
	({ file, method }) => file.endsWith('/+server.ts') && method !== 'GET'
);

interface Who {
	id: string;
	customerId?: string;
}
/** Who may, by the kind of the guard. */
const who: Partial<Record<Entry['guard']['kind'], Who>> = {};

beforeAll(async () => {
	who.staff = { id: (await createStaff('administrator')).id };
	who.user = who.staff;
	const { id, customerId } = await createMember('owner');
	who.customer = { id, customerId };
});

const BODIES: Record<string, string> = {
	nothing: '',
	'no JSON': '{"a":',
	'a list': '[]',
	null: 'null',
	'a number': '7',
	'wrong types': JSON.stringify(
		Object.fromEntries(names().map((name, index) => [name, [null, 7, [], {}, true][index % 5]]))
	),
	'long text': JSON.stringify(Object.fromEntries(names().map((name) => [name, 'ñ'.repeat(2000)]))),
	'hostile text': JSON.stringify(
		Object.fromEntries(names().map((name) => [name, "'; DROP TABLE users; --\u0000"]))
	),
	'too much': JSON.stringify({ text: 'x'.repeat(70_000) })
};

/** Fields that forms and endpoints of the product have. */
function names(): string[] {
	return `id email password full_name company_name subdomain plan country billing billing_reason reason confirm totp code
		token key value version page page_size cursor search status terms ids to customer_id current name`
		.split(/\s+/)
		.filter(Boolean);
}

describe('an endpoint that is sent', () => {
	const endpoints = handlers.flatMap((entry) =>
		Object.entries(BODIES).map(([kind, body]) => [label(entry), kind, entry, body] as const)
	);

	it.each(endpoints)('%s: %s', async (_label, _kind, entry, body) => {
		const response = await ask(entry, body, { 'content-type': 'application/json' });
		expect(response.status).toBeLessThan(500);
		// Stripe reads the status alone.
		if (response.status < 400 || !entry.routeId.startsWith('/api/')) return;
		const answer = (await response.json()) as Record<string, unknown>;
		expect(answer).toMatchObject({
			success: false,
			error: expect.any(String),
			request_id: expect.any(String)
		});
		expect(String(answer.detail).length).toBeGreaterThan(10);
		if (answer.fields)
			expect(Object.values(answer.fields).every((sentence) => String(sentence).length > 3)).toBe(
				true
			);
	});
});

describe('a form that is sent', () => {
	const forms: Record<string, (customerId: string) => URLSearchParams> = {
		nothing: (id) => new URLSearchParams({ customer_id: id }),
		'hostile text': (id) =>
			new URLSearchParams([
				...names().map((name) => [name, "'; DROP TABLE users; --"]),
				['customer_id', id]
			]),
		'long text': (id) =>
			new URLSearchParams([
				...names().map((name) => [name, 'ñ'.repeat(2000)]),
				['customer_id', id]
			]),
		'a field twice': (id) =>
			new URLSearchParams(
				[...names(), ...names()].map((name) => [name, 'a']).concat([['customer_id', id]])
			)
	};
	const cases = actions.flatMap((entry) =>
		Object.entries(forms).map(([kind, form]) => [label(entry), kind, entry, form] as const)
	);

	it.each(cases)('%s: %s', async (_label, _kind, entry, form) => {
		const response = await ask(entry, form(who[entry.guard.kind]?.customerId ?? ''));
		// No vendor is there in this test: an act that asks one says so, which is no fault of the input.
		if (response.status !== 503) expect(response.status).toBeLessThan(500);
		expect(response.status).toBeGreaterThanOrEqual(200);
	});
});

describe('what is said', () => {
	it.each([
		['es', 'Complete', 'Escriba'],
		['en', 'Fill in', 'Enter']
	])('is said beside the field in %s', async (locale, missing, wrong) => {
		const entry = handlers.find(
			({ routeId, method }) => routeId === '/api/tenants' && method === 'POST'
		);
		if (!entry) throw new Error('POST /api/tenants is gone');
		const response = await ask(entry, '{"email":"x","subdomain":"ok-name","plan":"pro"}', {
			'content-type': 'application/json',
			'accept-language': locale
		});
		const { fields } = (await response.json()) as { fields: Record<string, string> };
		expect(response.status).toBe(400);
		expect(fields.company_name).toContain(missing);
		expect(fields.email).toContain(wrong);
	});
});

/** Sends it as somebody who may, through the real hook. */
async function ask(
	entry: Entry,
	body: string | URLSearchParams,
	headers: Record<string, string> = {}
): Promise<Response> {
	const run = await runOf(entry);
	const person = who[entry.guard.kind];
	const event = requestEvent({
		routeId: entry.routeId,
		params: await paramsOf(entry.routeId),
		method: entry.method,
		// A session of its own: one of the forms logs out.
		cookie: person && (await sessionFor(person)).cookie,
		body,
		headers
	});
	return answered(() =>
		handle({
			event,
			resolve: (resolved) => answered(() => run(resolved as Parameters<EndpointHandler>[0]))
		})
	);
}
