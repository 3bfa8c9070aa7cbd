import { SvelteKitError } from '@sveltejs/kit/internal';
import { isHttpError, isRedirect } from '@sveltejs/kit';
import { describe, expect, it } from 'vitest';
import { AppError } from '#lib/core/errors.ts';
import { localPath } from '#lib/identity/guard.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import { type Asked, requestEvent } from '../tests/access/event.ts';
import { createMember, createStaff, sessionFor } from '../tests/factories/identity.ts';
import { testDatabase } from '../tests/setup/database.ts';
import { handle, handleError } from './hooks.server.ts';

await testDatabase();

const page: Asked = { routeId: '/admin/nothing/guarded', params: {}, method: 'GET' };

/** What the hook lets through, or how it refuses. */
async function enter(
	asked: Partial<Asked> = {}
): Promise<{ status: number; location?: string; response?: Response; code?: string }> {
	const event = requestEvent({ ...page, ...asked });
	try {
		const response = await handle({
			event,
			resolve: async () => new Response('in', { headers: { 'content-type': 'text/html' } })
		});
		return { status: response.status, response };
	} catch (thrown) {
		if (isRedirect(thrown)) return { status: thrown.status, location: thrown.location };
		if (isHttpError(thrown)) return { status: thrown.status, code: thrown.body.code };
		throw thrown;
	}
}

describe('the door', () => {
	it('denies by default: a route without any guard is closed', async () => {
		expect(await enter()).toEqual({
			status: 303,
			location: '/login/admin?next=%2Fadmin%2Fnothing%2Fguarded'
		});
		expect(await enter({ routeId: '/tenant/portal' })).toEqual({
			status: 303,
			location: '/login/tenant?next=%2Ftenant%2Fportal'
		});
		expect((await enter({ routeId: '/api/things' })).status).toBe(401);
		expect((await enter({ routeId: '/(public)/signup' })).status).toBe(200);
	});

	it('shows neither side the other, as if it did not exist', async () => {
		const staff = (await sessionFor(await createStaff())).cookie;
		const member = (await sessionFor(await createMember())).cookie;
		expect(await enter({ cookie: staff })).toMatchObject({ status: 200 });
		expect(await enter({ cookie: member })).toEqual({ status: 404, code: 'NOT_FOUND' });
		expect(await enter({ cookie: staff, routeId: '/tenant/portal' })).toEqual({
			status: 404,
			code: 'NOT_FOUND'
		});
	});

	it('leads staff without a second factor to setting it up', async () => {
		const { cookie } = await sessionFor(
			await createStaff('administrator', { secondFactor: false })
		);
		expect((await enter({ cookie })).location).toBe(
			'/login/second-factor?next=%2Fadmin%2Fnothing%2Fguarded'
		);
	});

	it('refuses portal forms of another company, and forms that do not say which', async () => {
		const member = await createMember();
		const { cookie } = await sessionFor(member);
		const post = (body: Record<string, string>) =>
			enter({ cookie, routeId: '/tenant/portal', method: 'POST', body: new URLSearchParams(body) });
		expect(await post({ customer_id: member.customerId })).toMatchObject({ status: 200 });
		expect(await post({ customer_id: crypto.randomUUID() })).toEqual({
			status: 409,
			code: 'CUSTOMER_SWITCHED'
		});
		expect(await post({})).toEqual({ status: 409, code: 'CUSTOMER_SWITCHED' });
	});

	it('refuses posts of other origins and bodies that are too large, also on public pages', async () => {
		const post = { routeId: '/(auth)/login/admin', method: 'POST', body: 'x=1' };
		expect(
			await enter({ ...post, headers: { origin: 'http://acme.localhost:4443' } })
		).toMatchObject({ status: 403, code: 'BAD_ORIGIN' });
		expect(await enter({ ...post, headers: { 'content-length': '600000' } })).toMatchObject({
			status: 413
		});
		expect(await enter(post)).toMatchObject({ status: 200 });
	});

	it('puts the security headers on, and keeps an address that is a secret out of referrers', async () => {
		const { response } = await enter({
			routeId: '/(auth)/reset/[token]',
			params: { token: 'a.b' }
		});
		expect(Object.fromEntries(response?.headers ?? [])).toMatchObject({
			'x-content-type-options': 'nosniff',
			'x-frame-options': 'DENY',
			'cross-origin-opener-policy': 'same-origin',
			'referrer-policy': 'strict-origin',
			'cache-control': 'private, no-store',
			'x-request-id': expect.any(String)
		});
		expect(response?.headers.has('strict-transport-security')).toBe(false);
	});
});

describe('errors', () => {
	const failed = (error: unknown, status: number) => {
		const event = requestEvent(page);
		Object.assign(event.locals, { requestId: 'r-1' });
		return handleError({ error, event, status, message: 'Internal Error' });
	};

	it('keep their status in SvelteKit, and their sentence', () => {
		const refusal = new AppError('NAME_TAKEN');
		expect(refusal).toBeInstanceOf(SvelteKitError);
		expect(refusal.status).toBe(409);
		expect(failed(refusal, 409)).toEqual({ message: m.error_name_taken(), code: 'NAME_TAKEN' });
	});

	it('without a name show only an id', () => {
		expect(failed(new Error('password=hunter2'), 500)).toEqual({
			message: m.error_internal(),
			code: 'INTERNAL',
			id: 'r-1'
		});
		expect(failed(new Error('Not found: /x'), 404)).toEqual({
			message: m.error_not_found(),
			code: 'NOT_FOUND'
		});
	});
});

describe('where a login leads back to', () => {
	it('is a path of ours or nowhere', () => {
		expect(localPath('/admin/tenants?q=a')).toBe('/admin/tenants?q=a');
		for (const bad of [
			'//evil.example',
			'/\\evil.example',
			'https://evil.example',
			'/\t/evil.example',
			'',
			null,
			'/a\nb'
		]) {
			expect(localPath(bad)).toBeNull();
		}
	});
});
