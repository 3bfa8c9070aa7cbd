import { cloudflareDocument } from '../cloudflare/state.ts';
import { RECORD_TYPES, SIGNED } from '../dns/control.ts';
import { dnsDocument, PARKING_ADDRESS, REGISTRAR_NAMESERVER } from '../dns/zones.ts';
import type { CustomerRecord, CustomerZone } from '../dns/zones.ts';
import { html, type Html } from '../kernel/html.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { act, choice, field, form, table } from './shell.ts';

const SIGNED_WORDS = { none: 'sin firmas', fine: 'firmada', broken: 'firmas rotas' };

/** The customers' registrars, to edit; our own zones at Cloudflare, to read. */
export function dnsSection(kernel: Kernel): Html {
	const own = cloudflareDocument(kernel).get();
	const { zones, negativeCache } = dnsDocument(kernel).get();
	return html`<section id="dns">
		<h2>DNS</h2>
		<h3>Dominios de los clientes (su registrador)</h3>
		<p class="quiet">
			Servidor de nombres de todos: <code>${REGISTRAR_NAMESERVER}</code>. Un nombre con A
			<code>${PARKING_ADDRESS}</code> muestra la página de estacionamiento del registrador.
		</p>
		${table(
			['Nombre', 'Tipo', 'Valor', 'TTL', ''],
			zones.flatMap(({ records }) => records.map(recordRow)),
			'Ningún registro todavía.'
		)}
		${form(
			'Agregar',
			'/__sandbox/dns/records',
			'dns',
			html`${field('Nombre completo', 'name', 'erp.cliente.com')}${choice('Tipo', 'type', RECORD_TYPES)}${field('Valor', 'content', 'acme.sajet.us')}${field('TTL', 'ttl:number', '300')}`
		)}
		<h3>Zonas de los clientes</h3>
		${table(['Zona', 'DNSSEC', 'Servidores', ''], zones.map(zoneRow), 'Ninguna zona todavía.')}
		${form(
			'Guardar zona',
			'/__sandbox/dns/zones',
			'dns',
			html`${field('Zona', 'name', 'cliente.com')}${choice('DNSSEC', 'signed', SIGNED)}${choice('Sin respuesta', 'silent', ['false', 'true'])}${field('TTL negativo', 'negative_ttl:number', '60')}`
		)}
		<p>
			El resolvedor ${negativeCache ? 'recuerda' : 'no recuerda'} lo que no existía.
			${act(negativeCache ? 'Que no recuerde' : 'Que recuerde', '/__sandbox/dns/negative-cache', 'dns', { on: String(!negativeCache) })}
		</p>
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

function recordRow(record: CustomerRecord): Html {
	return html`<tr>
		<td><code>${record.name}</code></td>
		<td>${record.type}</td>
		<td><code>${record.content}</code></td>
		<td>${record.ttl}</td>
		<td>${act('Borrar', `/__sandbox/dns/records/${record.id}`, 'dns', {}, 'DELETE')}</td>
	</tr>`;
}

function zoneRow({ name, signed = 'none', silent = false }: CustomerZone): Html {
	const path = '/__sandbox/dns/zones';
	const others = SIGNED.filter((one) => one !== signed);
	return html`<tr>
		<td><code>${name}</code></td>
		<td>
			${SIGNED_WORDS[signed]}
			${others.map((one) => act(SIGNED_WORDS[one], path, 'dns', { name, signed: one }))}
		</td>
		<td>
			${silent ? 'no responden' : 'responden'}
			${act(silent ? 'Que respondan' : 'Callar', path, 'dns', { name, silent: String(!silent) })}
		</td>
		<td>${act('Borrar zona', `${path}/${name}`, 'dns', {}, 'DELETE')}</td>
	</tr>`;
}
