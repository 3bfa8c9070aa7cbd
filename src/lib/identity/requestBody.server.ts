import { AppError } from '#lib/core/errors.ts';
import { m } from '#i18n/paraglide/messages.js';

/** Bytes of a JSON body at most. */
export const JSON_LIMIT = 64 * 1024;

/**
 * The JSON body of a request; an absent one is an empty object.
 * @throws {AppError} TOO_LARGE above 64 KiB, whatever Content-Length says; BAD_INPUT when it is not JSON
 */
export async function readJson(request: Request): Promise<unknown> {
	const bytes = await readLimited(request, JSON_LIMIT);
	if (bytes.length === 0) return {};
	// A page of another site can post text/plain without asking; application/json it cannot.
	const type = request.headers.get('content-type') ?? '';
	if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(type)) throw notJson();
	try {
		return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
	} catch {
		// Neither UTF-8 nor JSON: the sender's mistake, told as such.
		throw notJson();
	}
}

async function readLimited(request: Request, limit: number): Promise<Uint8Array> {
	if (Number(request.headers.get('content-length') ?? 0) > limit) throw new AppError('TOO_LARGE');
	if (!request.body) return new Uint8Array();
	const chunks: Uint8Array[] = [];
	let size = 0;
	for await (const chunk of request.body) {
		size += chunk.byteLength;
		if (size > limit) throw new AppError('TOO_LARGE');
		chunks.push(chunk);
	}
	return Buffer.concat(chunks);
}

function notJson(): AppError {
	return new AppError('BAD_INPUT', { fields: { _: m.error_json_expected() } });
}
