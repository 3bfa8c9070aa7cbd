import { randomUUID } from 'node:crypto';
import {
	type Handle,
	type HandleServerError,
	type RequestEvent,
	type ServerInit,
	error
} from '@sveltejs/kit';
import { SvelteKitError } from '@sveltejs/kit/internal';
import { AppError, type ErrorCode, refusalIn } from '#lib/core/errors.ts';
import { log } from '#lib/core/log.server.ts';
import { countRequest } from '#lib/core/metrics.server.ts';
import { whileSomebodyWaits } from '#lib/core/patience.server.ts';
import '#lib/core/validation.ts';
import {
	admit,
	authenticate,
	refuseForeignOrigin,
	refuseLargeBody,
	refuseOtherCustomer
} from '#lib/identity/admission.server.ts';
import { clientAddress } from '#lib/identity/clientAddress.server.ts';
import { failure } from '#lib/identity/envelope.server.ts';
import { isApi } from '#lib/identity/guard.server.ts';
import { withSecurityHeaders } from '#lib/identity/securityHeaders.server.ts';
import { answerForTenantHost } from '#lib/provisioning/offAir.server.ts';
import { serverTheme } from '#lib/ui/theme.ts';
import { paraglideMiddleware } from '#i18n/paraglide/server.js';

// SvelteKit reads the status of its own errors alone; so our refusals are of its kind, and keep theirs in loads and actions.
Object.setPrototypeOf(AppError.prototype, SvelteKitError.prototype);

/** What a request waits for vendors in all. A payment takes some seconds; what takes longer goes on in its job. */
const PATIENCE_MS = 12_000;
/** What src/app.html leaves open. */
const DOCUMENT = 'lang="%lang%" data-theme="%theme%"';

export const init: ServerInit = async () => {
	const [start] = Object.values(
		import.meta.glob<{ startProcess(): Promise<void> }>('./lib/jobs/start.server.ts')
	);
	await (await start?.())?.startProcess();
};

export const handle: Handle = async ({ event, resolve }) => {
	const begun = performance.now();
	event.locals.requestId = randomUUID();
	event.locals.ip = clientAddress(peerOf(event), event.request.headers.get('x-forwarded-for'));
	event.locals.auth = null;

	const response = await paraglideMiddleware(event.request, async ({ request, locale }) => {
		event.request = request;
		event.locals.locale = locale;
		const offAir = await answerForTenantHost(request, locale);
		if (offAir) return offAir;
		try {
			refuseLargeBody(request);
			refuseForeignOrigin(event);
			event.locals.auth = await authenticate(event);
			admit(event);
			await refuseOtherCustomer(event);
		} catch (refusal) {
			if (isApi(event)) return failure(refusal, event);
			// Written out here, where the language of the request is known.
			if (refusal instanceof AppError) error(refusal.status, shown(refusal));
			throw refusal;
		}
		const theme = serverTheme(event.cookies.get('theme'), event.url.pathname);
		return whileSomebodyWaits(PATIENCE_MS, () =>
			resolve(event, {
				// At once: each replacement copies the page.
				transformPageChunk: ({ html }) =>
					html.replace(DOCUMENT, `lang="${locale}" data-theme="${theme}"`)
			})
		);
	});
	const { method } = event.request;
	const { status } = response;
	countRequest({ method, route: event.route.id, status }, (performance.now() - begun) / 1_000);
	return withSecurityHeaders(response, event);
};

/** The other end of the connection; nowhere when it has hung up already. */
function peerOf(event: RequestEvent): string {
	try {
		return event.getClientAddress();
	} catch {
		// Nobody will read the answer, so whose it is does not matter.
		return '0.0.0.0';
	}
}

/** What a person reads of an error; of one without a name only the id under which the log has the rest. */
export const handleError: HandleServerError = ({ error: thrown, event, status }) => {
	if (thrown instanceof AppError && thrown.status < 500) return shown(thrown);
	const known = KNOWN[status];
	if (known) return shown(new AppError(known));
	const id = event.locals.requestId;
	log.error(
		{ err: thrown, requestId: id, route: event.route.id, method: event.request.method },
		'request failed'
	);
	return { ...shown(refusalIn(thrown) ?? new AppError('INTERNAL')), id };
};

/** SvelteKit's own refusals. */
const KNOWN: Partial<Record<number, ErrorCode>> = {
	404: 'NOT_FOUND',
	405: 'NOT_FOUND',
	413: 'TOO_LARGE',
	415: 'BAD_INPUT'
};

function shown(refusal: AppError): App.Error {
	return { message: refusal.sentence, code: refusal.code };
}
