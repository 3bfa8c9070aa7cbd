import { html, type Html } from '../kernel/html.ts';
import type { SandboxRequest, SandboxResponse } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { mailDocument } from '../smtp/server.ts';
import { dnsSection } from './dnssection.ts';
import { nodesSection } from './nodessection.ts';
import { paymentsSection } from './paymentssection.ts';
import type { ConsoleOptions } from './server.ts';
import { act, choice, field, form, moment, shell, table } from './shell.ts';

const SHOWN = 30;
const HOUR = 3600;
const DAY = 86_400;

/** The whole console on one page. */
export function consolePage(
	kernel: Kernel,
	options: ConsoleOptions,
	request: SandboxRequest
): SandboxResponse {
	const error = request.query.get('error');
	return shell(
		'Consola',
		html`${error ? html`<p class="error" role="alert">${error}</p>` : ''} ${addresses(options)}
		${mailSection(kernel)} ${clockSection(kernel)} ${paymentsSection(options.stripe.account)}
		${dnsSection(kernel)} ${nodesSection(kernel)}
		${callsSection(kernel, request.query.get('vendor') ?? '')} ${faultsSection(kernel)}`
	);
}

function addresses({ appUrl, vendors }: ConsoleOptions): Html {
	return html`<section>
		<h1>Servicios simulados</h1>
		<p>
			${appUrl ? html`Aplicación: <a href="${appUrl}">${appUrl}</a> · ` : ''}Borde:
			<code>${vendors.edge}</code> · Stripe: <code>${vendors.stripe.url}</code> · Cloudflare:
			<code>${vendors.cloudflare.url}</code> · DNS:
			<code>${vendors.dns.host}:${vendors.dns.port}</code> · SMTP:
			<code>${vendors.smtp.host}:${vendors.smtp.port}</code>
		</p>
		${act('Vaciar todo', '/__sandbox/reset', '')}
	</section>`;
}

function mailSection(kernel: Kernel): Html {
	const mails = mailDocument(kernel).get().mails.slice(-SHOWN).toReversed();
	return html`<section id="correo">
		<h2>Correo recibido</h2>
		${table(
			['Hora', 'Para', 'Asunto'],
			mails.map(
				(mail) =>
					html`<tr>
						<td>${moment(mail.at / 1000)}</td>
						<td>${mail.to.join(', ')}</td>
						<td><a href="/mail/${mail.id}">${mail.subject || '(sin asunto)'}</a></td>
					</tr>`
			),
			'Todavía no llega ningún correo.'
		)}
	</section>`;
}

function clockSection(kernel: Kernel): Html {
	const steps: [string, number][] = [
		['1 hora', HOUR],
		['1 día', DAY],
		['7 días', 7 * DAY],
		['1 mes y 2 horas', 31 * DAY + 2 * HOUR]
	];
	const moved = Math.round(kernel.clock.offsetMs / 1000 / HOUR);
	return html`<section id="reloj">
		<h2>Reloj</h2>
		<p>
			${moment(kernel.clock.now())}${moved ? ` (adelantado ${moved} horas)` : ''}. Mueve a la vez el
			tiempo de Stripe y el de la aplicación.
		</p>
		${steps.map(([label, seconds]) => act(`Adelantar ${label}`, '/__sandbox/clock', 'reloj', { 'advance_seconds:number': String(seconds) }))}
		${form('Adelantar', '/__sandbox/clock', 'reloj', field('Segundos', 'advance_seconds:number', '3600'))}
	</section>`;
}

function callsSection(kernel: Kernel, vendor: string): Html {
	const calls = kernel.calls
		.list(vendor ? { vendor } : {})
		.slice(-SHOWN)
		.toReversed();
	const vendors = [
		'',
		'stripe',
		'webhook',
		'cloudflare',
		'edge',
		'proxmox',
		'ssh',
		'odoo',
		'dns',
		'smtp'
	];
	return html`<section id="llamadas">
		<h2>Últimas llamadas</h2>
		<p>
			${vendors.map((name) => html`<a href="/?vendor=${name}#llamadas">${name || 'todas'}</a> `)}
		</p>
		${table(
			['Hora', 'Servicio', 'Llamada', 'Respuesta', 'ms'],
			calls.map(
				(call) =>
					html`<tr>
						<td>${moment(call.at / 1000).slice(11, 19)}</td>
						<td>${call.vendor}</td>
						<td>
							<details>
								<summary><code>${call.line}</code></summary>
								${call.request ? html`<pre>${call.request}</pre>` : ''}${call.response ? html`<pre>${call.response}</pre>` : ''}
							</details>
						</td>
						<td>${call.status}${call.fault ? ` (falla: ${call.fault})` : ''}</td>
						<td>${call.ms}</td>
					</tr>`
			),
			'Todavía no hay llamadas.'
		)}
	</section>`;
}

function faultsSection(kernel: Kernel): Html {
	const faults = kernel.faults.list();
	return html`<section id="fallas">
		<h2>Fallas</h2>
		${table(
			['Servicio', 'Coincide con', 'Tipo', 'Cuándo', 'Veces', ''],
			faults.map(
				(fault) =>
					html`<tr>
						<td>${fault.target}</td>
						<td><code>${fault.match || '(todo)'}</code></td>
						<td>${fault.kind} ${fault.status ?? ''}</td>
						<td>${fault.when}</td>
						<td>${fault.times}</td>
						<td>${act('Quitar', `/__sandbox/faults/${fault.id}`, 'fallas', {}, 'DELETE')}</td>
					</tr>`
			),
			'Ninguna falla espera.'
		)}
		${form(
			'Provocar',
			'/__sandbox/faults',
			'fallas',
			html`${choice('Servicio', 'target', ['stripe', 'webhook', 'cloudflare', 'edge', 'proxmox', 'ssh', 'odoo', 'dns', 'smtp'])}
			${choice('Tipo', 'kind', ['status', 'timeout', 'reset', 'malformed', 'delay', 'drop', 'duplicate', 'reorder'])}
			${choice('Cuándo', 'when', ['before', 'after'])}
			${field('Coincide con', 'match', 'POST /v1/refunds')} ${field('Veces', 'times:number', '1')}
			${field('Dejar pasar', 'skip:number', '0')} ${field('Estado HTTP', 'status:number', '500')}
			${field('Milisegundos', 'ms:number', '1000')}`
		)}
	</section>`;
}
