import { json } from '@sveltejs/kit';
import { AppError } from '#lib/core/errors.ts';
import { receiveStripeEvent } from '#lib/billing/events.server.ts';
import { publicRoute } from '#lib/identity/guard.server.ts';
import { BadSignature } from '#lib/integrations/stripe/errors.ts';
import type { RequestHandler } from './$types';

/** The largest events of Stripe's are a few tens of KiB. */
const LIMIT = 256 * 1024;

export const POST: RequestHandler = async (event) => {
	publicRoute(event);
	const body = await readRaw(event.request);
	if (!body) return json({ received: false }, { status: 413 });
	try {
		const signature = event.request.headers.get('stripe-signature') ?? '';
		return json({ received: true, outcome: await receiveStripeEvent(body, signature) });
	} catch (error) {
		const refused =
			error instanceof BadSignature || (error instanceof AppError && error.status === 400);
		if (refused) return json({ received: false }, { status: 400 });
		throw error;
	}
};

/** The bytes as they were signed; null when there are too many, whatever Content-Length says. */
async function readRaw(request: Request): Promise<Buffer | null> {
	if (Number(request.headers.get('content-length') ?? 0) > LIMIT) return null;
	const chunks: Uint8Array[] = [];
	let size = 0;
	for await (const chunk of request.body ?? []) {
		size += chunk.byteLength;
		if (size > LIMIT) return null;
		chunks.push(chunk);
	}
	return Buffer.concat(chunks);
}
