import { isIP } from 'node:net';
import { cloudflareDocument } from '../cloudflare/state.ts';
import { resolve } from '../dns/resolve.ts';
import { dnsDocument, EDGE_ADDRESS, isWithin, PARKING_ADDRESS } from '../dns/zones.ts';
import type { SandboxRequest, SandboxResponse } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { answerByNginx, nginxAtAddress } from '../nginx/serve.ts';
import { canonicalHost } from './origin.ts';

/** The host that a browser means; `erp.customer.com.localhost` is also that name while only its own zone holds it. */
export function hostMeant(kernel: Kernel, header: string): string {
	const host = header.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
	const name = host.endsWith('.localhost') ? host.slice(0, -'.localhost'.length) : host;
	const held = dnsDocument(kernel)
		.get()
		.zones.some((zone) => isWithin(name, zone.name));
	return held ? name : canonicalHost(kernel, header);
}

/**
 * What answers for a customer's name that leads to another address than Cloudflare's: a container or machine of the
 * sandbox, the registrar's parking page, or somebody else's site. Null: the name leads here, or nowhere.
 */
export async function answerElsewhere(
	kernel: Kernel,
	host: string,
	request: SandboxRequest
): Promise<SandboxResponse | null> {
	const { zones } = cloudflareDocument(kernel).get();
	if (isIP(host) > 0 || zones.some((zone) => isWithin(host, zone.name))) return null;
	const addresses = resolve(kernel, host, 'A').answers.filter(({ type }) => type === 'A');
	const address = addresses[0]?.content;
	if (address === undefined || addresses.some(({ content }) => content === EDGE_ADDRESS)) {
		return null;
	}
	const nginx = nginxAtAddress(kernel, address);
	// A name that it does not know is closed without a word; 444 is nginx's own number for that.
	if (nginx)
		return (await answerByNginx(kernel, nginx, { ...request, host })) ?? { status: 444, body: '' };
	const machine = kernel.network.service(address, 80);
	if (machine) return machine({ ...request, host, headers: { ...request.headers, host } });
	return address === PARKING_ADDRESS
		? page('Parking/1.0', 'Este dominio está estacionado', 'Lo registró un cliente de Registrador.')
		: page('Elsewhere/1.0', 'Otro sitio', `Responde ${address}, que no es de esta plataforma.`);
}

function page(server: string, title: string, text: string): SandboxResponse {
	const head = `<meta charset="utf-8"><title>${title}</title>`;
	return {
		status: 200,
		headers: { server, 'content-type': 'text/html; charset=utf-8' },
		body: `<!doctype html><html lang="es"><head>${head}</head><body><h1>${title}</h1><p>${text}</p></body></html>`
	};
}
