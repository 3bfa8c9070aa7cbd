import { randomBytes } from 'node:crypto';
import { serveVendor, type SandboxRequest, type SandboxResponse } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { authenticate, RateLimit, withHeaders } from './auth.ts';
import { failed, noRoute } from './envelope.ts';
import { hostnameRoutes } from './hostnames.ts';
import { recordRoutes } from './record-routes.ts';
import { ACCOUNT_ID, cloudflareDocument, TOKEN, TUNNEL_ID, zoneIdOf } from './state.ts';
import { tunnelRoutes } from './tunnels.ts';
import { zoneRoutes } from './zones.ts';

export interface CloudflareStandIn {
	/** Base URL, `/client/v4` included. */
	url: string;
	port: number;
	token: string;
	accountId: string;
	/** Of `sajet.us`. */
	zoneId: string;
	tunnelId: string;
	close(): Promise<void>;
}

const USUAL_MS = 250;

/** Starts the Cloudflare API v4. @param options port 0 takes a free one */
export async function startCloudflare(
	kernel: Kernel,
	options: { port: number }
): Promise<CloudflareStandIn> {
	cloudflareDocument(kernel);
	const limit = new RateLimit(kernel);
	const counted = new WeakMap<SandboxRequest, Record<string, string>>();
	const signed = (request: SandboxRequest, response: SandboxResponse) =>
		withHeaders(response, {
			'cf-ray': `${randomBytes(8).toString('hex')}-MIA`,
			server: 'cloudflare',
			...counted.get(request)
		});
	const routes = [
		...zoneRoutes(kernel),
		...recordRoutes(kernel),
		...tunnelRoutes(kernel),
		...hostnameRoutes(kernel)
	].map((route) => ({
		...route,
		run: async (request: SandboxRequest, params: Record<string, string>) =>
			signed(request, await route.run(request, params))
	}));

	const server = await serveVendor(kernel, 'cloudflare', routes, {
		port: options.port,
		ms: USUAL_MS,
		before: (request) => {
			counted.set(request, limit.count(authenticate(kernel, request)));
			return null;
		},
		notFound: (request) => signed(request, failed(noRoute(request))),
		onError: (error, request) => signed(request, failed(error))
	});
	return {
		url: `http://127.0.0.1:${server.port}/client/v4`,
		port: server.port,
		token: TOKEN,
		accountId: ACCOUNT_ID,
		zoneId: zoneIdOf('sajet.us'),
		tunnelId: TUNNEL_ID,
		close: () => server.close()
	};
}
