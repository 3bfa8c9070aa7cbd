import type { RequestEvent } from '@sveltejs/kit';
import { DAY, MINUTE } from '#lib/core/clock.server.ts';
import { sha256 } from '#lib/core/crypto.server.ts';
import { db, isUniqueViolation } from '#lib/core/db.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { m } from '#i18n/paraglide/messages.js';
import { Prisma } from '#prisma/generated/client.ts';
import { failure } from './envelope.server.ts';

// No request lives so long: whoever held the key died with its process.
const ABANDONED = 5 * MINUTE;

interface Repeatable {
	key: string;
	/** Keys are the actor's own. */
	actor: string;
	event: RequestEvent;
	body: unknown;
}

/**
 * Runs a POST once per Idempotency-Key: the same key and body get the first answer for 24 h, refusals included; a
 * failure of ours (5xx) forgets the key, so that it can be tried again.
 * @throws {AppError} IDEMPOTENCY_CONFLICT for another body, or while the first is running; BAD_INPUT for a key above 255 characters
 */
export async function once(asked: Repeatable, answer: () => Promise<Response>): Promise<Response> {
	if (asked.key.length > 255)
		throw new AppError('BAD_INPUT', {
			fields: { 'Idempotency-Key': m.field_too_long({ maximum: 255 }) }
		});
	const { method } = asked.event.request;
	const { pathname } = asked.event.url;
	const id = sha256(`${asked.actor}\n${asked.key}`).toString('hex');
	const requestHash = sha256(
		`${method} ${pathname}\n${JSON.stringify(asked.body ?? null)}`
	).toString('hex');

	const stored = await claim(id, requestHash);
	if (stored) return stored;
	const response = await answer().catch((error: unknown) => failure(error, asked.event));
	if (response.status >= 500) {
		await db.idempotencyKey.deleteMany({ where: { id } });
		return response;
	}
	const text = await response.clone().text();
	await db.idempotencyKey.updateMany({
		where: { id },
		data: {
			status: response.status,
			// As text: jsonb would sort the keys, and the same answer is the same to the byte.
			response: text || Prisma.DbNull,
			finishedAt: new Date()
		}
	});
	return response;
}

/** The stored answer, or null when the key is ours to run. */
async function claim(id: string, requestHash: string): Promise<Response | null> {
	const at = Date.now();
	await db.idempotencyKey.deleteMany({
		where: {
			id,
			OR: [
				{ createdAt: { lt: new Date(at - DAY) } },
				{ finishedAt: null, createdAt: { lt: new Date(at - ABANDONED) } }
			]
		}
	});
	try {
		await db.idempotencyKey.create({ data: { id, requestHash } });
		return null;
	} catch (error) {
		if (!isUniqueViolation(error)) throw error;
	}
	const first = await db.idempotencyKey.findUnique({ where: { id } });
	if (!first?.finishedAt || first.requestHash !== requestHash)
		throw new AppError('IDEMPOTENCY_CONFLICT');
	const headers = new Headers({ 'idempotent-replayed': 'true' });
	const text = typeof first.response === 'string' ? first.response : null;
	if (text !== null) headers.set('content-type', 'application/json');
	return new Response(text, { status: first.status ?? 200, headers });
}
