import { env } from '#lib/core/env.server.ts';
import { publicRoute } from '#lib/identity/guard.server.ts';
import type { RequestHandler } from './$types';

const PRIVATE = ['/admin', '/tenant', '/api', '/login', '/success', '/reset', '/set-password'];

export const GET: RequestHandler = (event) => {
	publicRoute(event);
	// A rehearsal of production does not belong into search engines.
	const rules =
		env.APP_ENV === 'preproduction'
			? ['Disallow: /']
			: [...PRIVATE.map((path) => `Disallow: ${path}`), `Sitemap: ${env.ORIGIN}/sitemap.xml`];
	return new Response(['User-agent: *', ...rules, ''].join('\n'), {
		headers: { 'content-type': 'text/plain; charset=utf-8' }
	});
};
