import { createTransport } from 'nodemailer';
import { VendorError } from '../errors.ts';
import type { CallRecorder } from '../record.ts';

export interface MailConfig {
	/** `smtp://user:password@host:port` or `smtps://…`. */
	url: string;
	/** `Name <address>`. */
	from: string;
}

export interface Mail {
	to: string;
	subject: string;
	html: string;
	text: string;
	/** Without angle brackets. The same one at a repeated sending, so that the reader's program shows one mail. */
	messageId: string;
	/** BCP 47. */
	language: string;
}

export interface MailClient {
	/** @throws {VendorError} `retryable` unless the server refused for good; `ambiguous` when its answer was lost */
	send(mail: Mail): Promise<{ messageId: string; response: string }>;
	close(): void;
}

/** Sends by SMTP. What is recorded of a mail is to whom and about what, never its text: it may hold a one-time link. */
export function mailClient(config: MailConfig, record: CallRecorder): MailClient {
	const transport = createTransport(
		{ url: config.url, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 },
		{ from: config.from }
	);
	return {
		send: (mail) =>
			record(
				{
					vendor: 'mail',
					operation: 'mail.send',
					key: mail.messageId,
					request: { to: mail.to, subject: mail.subject },
					changes: true
				},
				async () => {
					try {
						const { messageId, response } = await transport.sendMail({
							to: mail.to,
							subject: mail.subject,
							html: mail.html,
							text: mail.text,
							messageId: `<${mail.messageId}>`,
							headers: { 'Content-Language': mail.language, 'Auto-Submitted': 'auto-generated' }
						});
						return { messageId, response };
					} catch (error) {
						throw named(error);
					}
				}
			),
		close: () => transport.close()
	};
}

/** RFC 5321: 4yz may work later, 5yz will not. */
function named(error: unknown): VendorError {
	const { code, responseCode, syscall } = facts(error);
	const message = error instanceof Error ? error.message : String(error);
	const refused = responseCode !== null && responseCode >= 500;
	// Of a connection that breaks off, nodemailer does not say how far it was: the server may have taken the mail.
	const neverSent = syscall === 'connect' || NEVER_SENT.test(`${code} ${message}`);
	const ambiguous = responseCode === null && !neverSent;
	return new VendorError({
		vendor: 'mail',
		operation: 'mail.send',
		message,
		status: responseCode,
		code,
		retryable: !refused && !ambiguous,
		ambiguous,
		cause: error
	});
}

/** No server found, no greeting, no login: the mail had not left. */
const NEVER_SENT = /^(?:EDNS|EAUTH|ETLS|ENOAUTH)\b|Connection timeout|Greeting never received/;

function facts(error: unknown): {
	code: string | null;
	responseCode: number | null;
	syscall: string | null;
} {
	const found: Record<string, unknown> =
		typeof error === 'object' && error !== null ? { ...error } : {};
	return {
		code: typeof found.code === 'string' ? found.code : null,
		responseCode: typeof found.responseCode === 'number' ? found.responseCode : null,
		syscall: typeof found.syscall === 'string' ? found.syscall : null
	};
}
