import type { TLSSocket } from 'node:tls';

/** The certificate is not the pinned one: nothing was sent. */
export class UntrustedCertificate extends Error {}

/**
 * What is wrong with the certificate that a connection shows; null when it is the pinned one.
 * @param fingerprint SHA-256, `AA:BB:…`
 */
export function notPinned(socket: TLSSocket, fingerprint: string): UntrustedCertificate | null {
	const shown = socket.getPeerCertificate().fingerprint256;
	const plain = (digest: string | undefined) => digest?.replaceAll(':', '').toUpperCase();
	if (shown && plain(shown) === plain(fingerprint)) return null;
	return new UntrustedCertificate(`the certificate ${shown ?? '(none)'} is not the pinned one`);
}
