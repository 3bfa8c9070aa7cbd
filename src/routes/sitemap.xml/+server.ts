import { env } from '#lib/core/env.server.ts';
import { publicRoute } from '#lib/identity/guard.server.ts';
import type { RequestHandler } from './$types';

const PAGES = ['/', '/signup', '/status', '/terms', '/privacy'];

export const GET: RequestHandler = (event) => {
	publicRoute(event);
	const urls = PAGES.map((path) => `<url><loc>${env.ORIGIN}${path}</loc></url>`).join('');
	return new Response(
		`<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${urls}</urlset>`,
		{ headers: { 'content-type': 'application/xml', 'cache-control': 'public, max-age=3600' } }
	);
};
