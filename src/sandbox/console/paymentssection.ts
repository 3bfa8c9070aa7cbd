import { html, type Html } from '../kernel/html.ts';
import type { Account } from '../stripe/account.ts';
import { money } from '../stripe/subscribe.ts';
import { act, moment, table } from './shell.ts';

const SHOWN = 15;
const BASE = '/__sandbox/stripe';

/** Sessions, subscriptions, payments, refunds, disputes and events with what a bank may do about them. */
export function paymentsSection(account: Account): Html {
	return html`<section id="pagos">
		<h2>Pagos</h2>
		<h3>Sesiones de pago</h3>
		${sessions(account)}
		<h3>Suscripciones</h3>
		${subscriptions(account)}
		<h3>Facturas</h3>
		${invoices(account)}
		<h3>Cobros</h3>
		${charges(account)}
		<h3>Devoluciones</h3>
		${refunds(account)}
		${act('La próxima queda pendiente', `${BASE}/refunds/next`, 'pagos', { status: 'pending' })}
		${act('La próxima falla', `${BASE}/refunds/next`, 'pagos', { status: 'failed' })}
		<h3>Eventos</h3>
		${events(account)}
	</section>`;
}

function last<T>(rows: T[]): T[] {
	return rows.slice(-SHOWN).toReversed();
}

function sessions(account: Account): Html {
	return table(
		['Creada', 'Sesión', 'Total', 'Estado', ''],
		last(account.all('sessions')).map((row) => {
			const waits = row.status === 'complete' && row.payment_status === 'unpaid';
			return html`<tr>
				<td>${moment(row.created)}</td>
				<td>
					${row.url ? html`<a href="${row.url}">${row.id.slice(0, 22)}…</a>` : html`<code>${row.id.slice(0, 22)}…</code>`}<br />${row.customer_details?.email ?? row.customer_email ?? ''}
				</td>
				<td>${money(row.amount_total ?? 0, row.currency ?? 'usd')}</td>
				<td>${row.status} · ${row.payment_status}</td>
				<td>
					${row.status === 'open' ? act('Expirar', `${BASE}/checkout/${row.id}/expire`, 'pagos') : ''}
					${waits ? html`${act('El banco paga', `${BASE}/checkout/${row.id}/async`, 'pagos', { outcome: 'succeeded' })}${act('El banco rechaza', `${BASE}/checkout/${row.id}/async`, 'pagos', { outcome: 'failed' })}` : ''}
				</td>
			</tr>`;
		}),
		'Todavía no hay sesiones de pago.'
	);
}

function subscriptions(account: Account): Html {
	return table(
		['Suscripción', 'Cliente', 'Precio', 'Estado', 'Periodo hasta'],
		last(account.all('subscriptions')).map((row) => {
			const [item] = row.items.data;
			return html`<tr>
				<td><code>${row.id}</code></td>
				<td>${account.find('customers', row.customer)?.email ?? row.customer}</td>
				<td>${money(item?.price.unit_amount ?? 0, row.currency)}</td>
				<td>${row.status}${row.cancel_at_period_end ? ' (termina)' : ''}</td>
				<td>${moment(item?.current_period_end ?? 0)}</td>
			</tr>`;
		}),
		'Todavía no hay suscripciones.'
	);
}

function invoices(account: Account): Html {
	return table(
		['Factura', 'Total', 'Estado', 'Próximo intento'],
		last(account.all('invoices')).map(
			(row) =>
				html`<tr>
					<td>
						${row.hosted_invoice_url ? html`<a href="${row.hosted_invoice_url}">${row.number}</a>` : html`<code>${row.id}</code>`}
					</td>
					<td>${money(row.total, row.currency)}</td>
					<td>${row.status}</td>
					<td>${row.next_payment_attempt ? moment(row.next_payment_attempt) : ''}</td>
				</tr>`
		),
		'Todavía no hay facturas.'
	);
}

function charges(account: Account): Html {
	return table(
		['Cobro', 'Importe', 'Estado', ''],
		last(account.all('charges')).map((row) => {
			const dispute = account.all('disputes').findLast((entry) => entry.charge === row.id);
			const open = dispute?.status === 'needs_response';
			return html`<tr>
				<td><code>${row.id}</code></td>
				<td>${money(row.amount, row.currency)}</td>
				<td>
					${row.status}${row.amount_refunded ? ` · devuelto ${money(row.amount_refunded, row.currency)}` : ''}${dispute ? ` · disputa ${dispute.status}` : ''}
				</td>
				<td>
					${row.status === 'succeeded' && !row.disputed ? act('Abrir disputa', `${BASE}/disputes`, 'pagos', { charge: row.id }) : ''}
					${open && dispute ? html`${act('Disputa ganada', `${BASE}/disputes/${dispute.id}/close`, 'pagos', { status: 'won' })}${act('Disputa perdida', `${BASE}/disputes/${dispute.id}/close`, 'pagos', { status: 'lost' })}` : ''}
				</td>
			</tr>`;
		}),
		'Todavía no hay cobros.'
	);
}

function refunds(account: Account): Html {
	return table(
		['Devolución', 'Importe', 'Estado', ''],
		last(account.all('refunds')).map(
			(row) =>
				html`<tr>
					<td><code>${row.id}</code></td>
					<td>${money(row.amount, row.currency)}</td>
					<td>${row.status}</td>
					<td>
						${row.status === 'pending' ? act('Completar', `${BASE}/refunds/${row.id}/outcome`, 'pagos', { status: 'succeeded' }) : ''}
						${row.status === 'pending' || row.status === 'succeeded' ? act('Hacer fallar', `${BASE}/refunds/${row.id}/outcome`, 'pagos', { status: 'failed' }) : ''}
					</td>
				</tr>`
		),
		'Todavía no hay devoluciones.'
	);
}

function events(account: Account): Html {
	const rows = Object.values(account.log.events);
	return table(
		['Hora', 'Evento', 'Pendientes', ''],
		last(rows).map(
			(row) =>
				html`<tr>
					<td>${moment(row.created)}</td>
					<td><code>${row.type}</code></td>
					<td>${row.pending_webhooks}</td>
					<td>${act('Enviar de nuevo', `${BASE}/events/${row.id}/resend`, 'pagos')}</td>
				</tr>`
		),
		'Todavía no hay eventos.'
	);
}
