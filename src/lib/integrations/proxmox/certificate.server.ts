import { isIP } from 'node:net';
import { connect, type PeerCertificate } from 'node:tls';
import { ProxmoxError } from './errors.ts';

/** What a server proves itself by, for a person who compares. */
export interface ShownCertificate {
	/** SHA-256 of the certificate, `AA:BB:…`. */
	fingerprint: string;
	/** `PVE Cluster Node, pve1` */
	subject: string;
	issuer: string;
	/** ISO times. */
	validFrom: string;
	validTo: string;
	/** The names and addresses that it is for, as it says them. */
	names: string;
}

/**
 * The certificate that a server shows: only the TLS handshake is made, and nothing is sent after it.
 * @param timeoutMs for connection and handshake together
 * @throws {ProxmoxError} `unreachable` when nobody listens, `malformed` when what listens speaks no TLS, `lost` when it says nothing in time
 */
export function shownCertificate(baseUrl: string, timeoutMs: number): Promise<ShownCertificate> {
	const url = new URL(baseUrl);
	if (url.protocol !== 'https:') throw new TypeError('only https has a certificate');
	const host = url.hostname.replace(/^\[|\]$/g, '');
	const port = Number(url.port || 443);
	return new Promise((resolve, reject) => {
		const socket = connect({
			host,
			port,
			// It is about to be seen and confirmed by a person; whoever it is gets nothing from us here.
			rejectUnauthorized: false,
			...(isIP(host) ? {} : { servername: host })
		});
		let connected = false;
		const fail = (kind: 'unreachable' | 'malformed' | 'lost', message: string, cause?: unknown) => {
			socket.destroy();
			reject(
				new ProxmoxError({ operation: 'tls.handshake', kind, message, retryable: true, cause })
			);
		};
		const late = setTimeout(
			() =>
				connected
					? fail('lost', 'The server does not finish the TLS handshake')
					: fail('unreachable', 'The server could not be reached in time'),
			timeoutMs
		);
		socket.on('connect', () => (connected = true));
		socket.on('close', () => clearTimeout(late));
		socket.on('error', (cause) =>
			connected
				? fail('malformed', 'What answers there speaks no TLS', cause)
				: fail('unreachable', 'The server could not be reached', cause)
		);
		socket.on('secureConnect', () => {
			const certificate = socket.getPeerCertificate();
			socket.destroy();
			resolve({
				fingerprint: certificate.fingerprint256,
				subject: nameOf(certificate.subject),
				issuer: nameOf(certificate.issuer),
				validFrom: new Date(certificate.valid_from).toISOString(),
				validTo: new Date(certificate.valid_to).toISOString(),
				names: certificate.subjectaltname ?? ''
			});
		});
	});
}

/** The parts of a distinguished name that a person knows it by. */
function nameOf({ O, OU, CN }: PeerCertificate['subject']): string {
	return [O, OU, CN].flat().filter(Boolean).join(', ');
}
