import { cloudflareDocument } from '../cloudflare/state.ts';
import { dnsDocument } from '../dns/zones.ts';
import { html, type Html } from '../kernel/html.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { act, choice, field, form, table } from './shell.ts';

/** The customers' registrars, to edit; our own zones at Cloudflare, to read. */
export function dnsSection(kernel: Kernel): Html {
	const own = cloudflareDocument(kernel).get();
	const customers = dnsDocument(kernel).get().zones;
	const rows = customers.flatMap(({ records }) =>
		records.map(
			(record) =>
				html`<tr>
					<td><code>${record.name}</code></td>
					<td>${record.type}</td>
					<td><code>${record.content}</code></td>
					<td>${record.ttl}</td>
					<td>${act('Borrar', `/__sandbox/dns/records/${record.id}`, 'dns', {}, 'DELETE')}</td>
				</tr>`
		)
	);
	return html`<section id="dns">
		<h2>DNS</h2>
		<h3>Dominios de los clientes (su registrador)</h3>
		${table(['Nombre', 'Tipo', 'Valor', 'TTL', ''], rows, 'Ningún registro todavía.')}
		${form(
			'Agregar',
			'/__sandbox/dns/records',
			'dns',
			html`${field('Nombre completo', 'name', 'erp.cliente.com')}${choice('Tipo', 'type', ['CNAME', 'A', 'AAAA', 'TXT', 'MX', 'NS', 'ALIAS'])}${field('Valor', 'content', 'acme.sajet.us')}${field('TTL', 'ttl:number', '300')}`
		)}
		<h3>Nuestras zonas en Cloudflare</h3>
		${table(
			['Nombre', 'Tipo', 'Valor', 'Proxy'],
			own.records.slice(-50).map(
				(record) =>
					html`<tr>
						<td><code>${record.name}</code></td>
						<td>${record.type}</td>
						<td><code>${record.content}</code></td>
						<td>${record.proxied ? 'sí' : 'no'}</td>
					</tr>`
			),
			'Ningún registro todavía.'
		)}
		<h3>Túneles</h3>
		${table(
			['Túnel', 'Reglas', 'Versión'],
			own.tunnels.map(
				(tunnel) =>
					html`<tr>
						<td>${tunnel.name}</td>
						<td>
							${(tunnel.config?.ingress ?? []).map((rule) => html`<code>${rule.hostname ?? '*'} → ${rule.service}</code><br />`)}
						</td>
						<td>${tunnel.version}</td>
					</tr>`
			),
			'Ningún túnel.'
		)}
	</section>`;
}
