import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { db } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { send } from '../../../tests/access/send.ts';
import {
	bearerFor,
	createMember,
	createStaff,
	sessionFor
} from '../../../tests/factories/identity.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import { endpoint, pageQuery, paged } from './endpoint.server.ts';

await testDatabase();

let runs = 0;
const create = endpoint(
	{
		summary: 'Make a thing',
		permission: 'tenants:create',
		body: z.object({
			name: z.string().min(2),
			email: z.email(),
			size: z.number().int().max(9).optional()
		}),
		response: z.object({ id: z.string(), name: z.string(), at: z.date() }),
		status: 201
	},
	async ({ body }) => {
		runs++;
		if (body.name === 'taken') throw new AppError('NAME_TAKEN');
		if (body.name === 'broken') throw new Error('the disk is full of secrets');
		return { id: String(runs), name: body.name, at: new Date(0), secret: 'not in the schema' };
	}
);
const list = endpoint(
	{
		summary: 'List',
		permission: 'tenants:read',
		query: pageQuery,
		response: z.array(z.object({ id: z.number() }))
	},
	({ query }) =>
		paged([{ id: query.page, hidden: 1 }], {
			total: 1,
			totalEstimate: null,
			page: query.page,
			pageSize: query.page_size,
			next: null
		})
);
const mine = endpoint(
	{
		summary: 'Mine',
		permission: { customer: 'instance:secret' },
		response: z.object({ customer_id: z.string() }),
		stepUp: true
	},
	({ actor }) => ({ customer_id: actor.customerId })
);

const staffCookie = async () => (await sessionFor(await createStaff('administrator'))).cookie;
const good = { name: 'acme', email: 'ana@acme.com' };

describe('the envelope', () => {
	it('holds what the schema names, and the limit in headers', async () => {
		const { status, body, headers } = await send(create, {
			cookie: await staffCookie(),
			body: good
		});
		expect(status).toBe(201);
		expect(body).toEqual({
			success: true,
			data: { id: expect.any(String), name: 'acme', at: '1970-01-01T00:00:00.000Z' }
		});
		expect(Number(headers.get('ratelimit-remaining'))).toBeGreaterThan(0);
		expect(headers.get('cache-control')).toBe('private, no-store');
	});

	it('holds a page of rows with its meta, and refuses pages that cannot be', async () => {
		const cookie = await staffCookie();
		const { body } = await send(list, { method: 'GET', cookie, search: '?page=3&page_size=10' });
		expect(body).toEqual({
			success: true,
			data: [{ id: 3 }],
			meta: { total: 1, page: 3, page_size: 10, next: null }
		});
		const refused = await send(list, {
			method: 'GET',
			cookie,
			search: '?page=0&page_size=101',
			headers: { 'accept-language': 'en' }
		});
		expect(refused).toMatchObject({
			status: 400,
			body: { fields: { page: 'Must be 1 or more.', page_size: 'Must be 100 or less.' } }
		});
	});

	it('names every wrong field in the language of the request', async () => {
		const cookie = await staffCookie();
		const body = { name: 'a', email: 'nobody', size: 12 };
		const es = await send(create, { cookie, body });
		expect(es).toMatchObject({
			status: 400,
			body: {
				success: false,
				error: 'BAD_INPUT',
				detail: 'Revise los campos señalados.',
				fields: {
					name: 'Escriba al menos 2 caracteres.',
					email: expect.stringContaining('correo válido'),
					size: 'Debe ser 9 o menos.'
				}
			}
		});
		const en = await send(create, { cookie, body: {}, headers: { 'accept-language': 'en-US' } });
		expect(en.body).toMatchObject({
			fields: { name: 'Fill in this field.', email: 'Fill in this field.' }
		});
	});

	it('gives a refusal its status and code, and of a failure only an id', async () => {
		const cookie = await staffCookie();
		const taken = await send(create, { cookie, body: { ...good, name: 'taken' } });
		expect(taken).toMatchObject({
			status: 409,
			body: { success: false, error: 'NAME_TAKEN', request_id: expect.any(String) }
		});
		const broken = await send(create, { cookie, body: { ...good, name: 'broken' } });
		expect(broken).toMatchObject({ status: 500, body: { error: 'INTERNAL' } });
		expect(JSON.stringify(broken.body)).not.toContain('disk');
		expect(broken.body.request_id).toBe(broken.headers.get('x-request-id'));
	});

	it.each([
		['no JSON', { raw: '{' }, 400, 'BAD_INPUT'],
		['text', { body: good, headers: { 'content-type': 'text/plain' } }, 400, 'BAD_INPUT'],
		[
			'a body above 64 KiB',
			{ raw: JSON.stringify({ ...good, filler: 'x'.repeat(66_000) }) },
			413,
			'TOO_LARGE'
		],
		[
			'another origin',
			{ body: good, headers: { origin: 'https://evil.localhost' } },
			403,
			'BAD_ORIGIN'
		],
		[
			'another site without origin',
			{ body: good, headers: { origin: '', 'sec-fetch-site': 'same-site' } },
			403,
			'BAD_ORIGIN'
		]
	] as const)('refuses %s', async (_, sent, status, error) => {
		expect(await send(create, { cookie: await staffCookie(), ...sent })).toMatchObject({
			status,
			body: { error }
		});
	});
});

describe('who asks', () => {
	it('is nobody without a session, and with a wrong token also beside a right cookie', async () => {
		expect(await send(create, { body: good })).toMatchObject({
			status: 401,
			body: { error: 'NOT_LOGGED_IN' }
		});
		const cookie = await staffCookie();
		expect(await send(create, { body: good, cookie, authorization: 'Bearer a.b' })).toMatchObject({
			status: 401
		});
	});

	it('may with a token what its scopes and its person may, both', async () => {
		const support = await createStaff('support');
		const token = await bearerFor(support, ['tenants:read', 'tenants:create']);
		expect(await send(list, { method: 'GET', authorization: token })).toMatchObject({
			status: 200
		});
		expect(await send(create, { body: good, authorization: token })).toMatchObject({
			status: 403,
			body: { error: 'FORBIDDEN' }
		});
		const narrow = await bearerFor(await createStaff('administrator'), ['tenants:read']);
		expect(await send(create, { body: good, authorization: narrow })).toMatchObject({
			status: 403
		});
		await db.apiToken.updateMany({
			where: { userId: support.id },
			data: { revokedAt: new Date() }
		});
		expect(await send(list, { method: 'GET', authorization: token })).toMatchObject({
			status: 401
		});
	});

	it('confirms again before a dangerous act', async () => {
		const owner = await createMember('owner');
		const stale = await sessionFor(owner, { stepUp: false });
		expect(await send(mine, { method: 'GET', cookie: stale.cookie })).toMatchObject({
			status: 403,
			body: { error: 'STEP_UP_NEEDED' }
		});
		const fresh = await sessionFor(owner);
		expect((await send(mine, { method: 'GET', cookie: fresh.cookie })).body).toMatchObject({
			data: { customer_id: owner.customerId }
		});
		expect(await send(mine, { method: 'GET', cookie: await staffCookie() })).toMatchObject({
			status: 404
		});
	});
});
