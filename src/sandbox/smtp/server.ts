import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import type { Route } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { StoreDocument } from '../kernel/store.ts';

export interface Mail {
	id: string;
	/** Sandbox time, milliseconds since the epoch. */
	at: number;
	from: string;
	/** The envelope's recipients. */
	to: string[];
	subject: string;
	text: string;
	html: string;
	attachments: { name: string; type: string; bytes: number }[];
	raw: string;
}

const KEPT = 1000;
const LARGEST = 25 * 1024 * 1024;

export interface SmtpStandIn {
	host: string;
	port: number;
	controlRoutes: Route[];
	close(): Promise<void>;
}

/** Takes any mail, without login or TLS, and keeps it instead of delivering it. */
export async function startSmtp(kernel: Kernel, options: { port: number }): Promise<SmtpStandIn> {
	const kept = mailDocument(kernel);
	const server = new SMTPServer({
		authOptional: true,
		disabledCommands: ['STARTTLS'],
		disableReverseLookup: true,
		logger: false,
		size: LARGEST,
		onAuth: (_auth, _session, callback) => callback(null, { user: 'anyone' }),
		onData: (stream, session, callback) => {
			const chunks: Buffer[] = [];
			stream.on('data', (chunk: Buffer) => chunks.push(chunk));
			stream.on('error', callback);
			stream.on('end', () => {
				const from = session.envelope.mailFrom ? session.envelope.mailFrom.address : '';
				const to = session.envelope.rcptTo.map((recipient) => recipient.address);
				take(Buffer.concat(chunks), from, to).then((message) => callback(null, message), callback);
			});
		}
	});

	async function take(raw: Buffer, from: string, to: string[]): Promise<string> {
		const started = Date.now();
		const mail = await parse(raw, from, to, kernel.clock.nowMs());
		const line = `${to.join(', ')} ${mail.subject}`;
		const fault = kernel.faults.take('smtp', line);
		if (fault?.kind === 'delay') {
			await new Promise((resolve) => setTimeout(resolve, fault.ms ?? 1000));
		}
		await kernel.latency('smtp', 150);
		const lost = fault?.when === 'before' && fault.kind !== 'delay';
		if (!lost) {
			const { mails } = kept.get();
			mails.push(mail);
			if (mails.length > KEPT) mails.splice(0, mails.length - KEPT);
			kept.changed();
		}
		const refused = fault !== undefined && !['delay', 'drop'].includes(fault.kind);
		kernel.calls.add({
			at: mail.at,
			vendor: 'smtp',
			line,
			status: refused ? (fault.status ?? 451) : 250,
			ms: Date.now() - started,
			fault: fault?.kind
		});
		if (refused) {
			const answer = new Error(fault.body ?? 'Temporary failure, please try again later');
			throw Object.assign(answer, { responseCode: fault.status ?? 451 });
		}
		return `OK: queued as ${mail.id}`;
	}

	await new Promise<void>((resolve, reject) => {
		server.once('error', reject);
		server.listen(options.port, '127.0.0.1', () => {
			server.removeListener('error', reject);
			resolve();
		});
	});
	// A client that hangs up in the middle is its own affair.
	server.on('error', () => {});
	const { port } = server.server.address() as AddressInfo;
	return {
		host: '127.0.0.1',
		port,
		controlRoutes: smtpControlRoutes(() => kept.get().mails),
		close: () => new Promise((resolve) => server.close(() => resolve()))
	};
}

const documents = new WeakMap<Kernel, StoreDocument<{ mails: Mail[] }>>();

/** The mail that was received, oldest first. */
export function mailDocument(kernel: Kernel): StoreDocument<{ mails: Mail[] }> {
	let document = documents.get(kernel);
	if (!document) {
		document = kernel.store.document('smtp', (): { mails: Mail[] } => ({ mails: [] }));
		documents.set(kernel, document);
	}
	return document;
}

async function parse(raw: Buffer, from: string, to: string[], at: number): Promise<Mail> {
	const parsed = await PostalMime.parse(raw);
	return {
		id: randomUUID(),
		at,
		from: parsed.from?.address ?? from,
		to,
		subject: parsed.subject ?? '',
		text: parsed.text ?? '',
		html: parsed.html ?? '',
		attachments: parsed.attachments.map((attachment) => ({
			name: attachment.filename ?? '',
			type: attachment.mimeType,
			bytes:
				typeof attachment.content === 'string'
					? attachment.content.length
					: attachment.content.byteLength
		})),
		raw: raw.toString('utf8')
	};
}

/** `GET /__sandbox/mail?to=` newest first, without the source; `GET /__sandbox/mail/{id}` whole. */
function smtpControlRoutes(mails: () => Mail[]): Route[] {
	return [
		{
			method: 'GET',
			path: '/__sandbox/mail',
			run: (request) => {
				const to = request.query.get('to');
				const found = mails().filter((mail) => !to || mail.to.includes(to));
				return {
					status: 200,
					body: { mails: found.toReversed().map((mail) => ({ ...mail, raw: undefined })) }
				};
			}
		},
		{
			method: 'GET',
			path: '/__sandbox/mail/:id',
			run: (_request, { id = '' }) => {
				const mail = mails().find((entry) => entry.id === id);
				return mail
					? { status: 200, body: mail }
					: { status: 404, body: { error: 'no such mail' } };
			}
		}
	];
}
