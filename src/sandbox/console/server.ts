import { dnsControlRoutes } from '../dns/control.ts';
import { cloudflareControlRoutes } from '../cloudflare/control.ts';
import { cloudflaredControlRoutes } from '../cloudflared/control.ts';
import { serveVendor, type Route } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { nginxControlRoutes } from '../nginx/control.ts';
import { proxmoxControlRoutes } from '../proxmox/control.ts';
import type { Vendors } from '../sandbox.ts';
import type { SmtpStandIn } from '../smtp/server.ts';
import type { StripeServer } from '../stripe/server.ts';
import { bridge } from './bridge.ts';
import { controlRoutes } from './control.ts';
import { mailPage } from './mailpage.ts';
import { consolePage } from './page.ts';
import { Time } from './time.ts';

export interface ConsoleOptions {
	port: number;
	appUrl?: string;
	vendors: Vendors;
	stripe: StripeServer;
	smtp: SmtpStandIn;
}

export interface Console {
	url: string;
	port: number;
	close(): Promise<void>;
}

/** The sandbox's own page and its control API under `/__sandbox`. */
export async function startConsole(kernel: Kernel, options: ConsoleOptions): Promise<Console> {
	const { stripe, smtp } = options;
	const time = new Time(kernel, stripe.account, options.appUrl);
	const control: Route[] = [
		...controlRoutes(kernel, time),
		...stripe.controlRoutes,
		...smtp.controlRoutes,
		...dnsControlRoutes(kernel),
		...cloudflareControlRoutes(kernel),
		...cloudflaredControlRoutes(kernel),
		...nginxControlRoutes(kernel),
		...proxmoxControlRoutes(kernel)
	];
	const server = await serveVendor(
		kernel,
		'console',
		[
			{ method: 'GET', path: '/', run: (request) => consolePage(kernel, options, request) },
			{ method: 'GET', path: '/mail/:id', run: (_request, { id = '' }) => mailPage(kernel, id) },
			bridge(control),
			...control
		],
		{
			port: options.port,
			quiet: true,
			notFound: (request) => ({
				status: 404,
				body: { error: `no such control: ${request.method} ${request.path}` }
			}),
			onError: (error) => ({
				status: 400,
				body: { error: error instanceof Error ? error.message : String(error) }
			})
		}
	);
	return { url: `http://127.0.0.1:${server.port}`, port: server.port, close: () => server.close() };
}
