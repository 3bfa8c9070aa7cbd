import * as x509 from '@peculiar/x509';

const SIGNING = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const YEAR_MS = 365 * 86_400_000;

/** The authority's own certificate and key, as they are stored. */
export interface AuthorityState {
	/** PEM. */
	certificate: string;
	/** PKCS #8 in base64. */
	key: string;
}

/** A new authority: root and issuer in one, as nothing here verifies a path. @param at Unix milliseconds */
export async function newAuthority(at: number): Promise<AuthorityState> {
	const keys = await crypto.subtle.generateKey(SIGNING, true, ['sign', 'verify']);
	const certificate = await x509.X509CertificateGenerator.createSelfSigned({
		serialNumber: serial(),
		name: 'CN=Sandbox X1, O=Sandbox Authority',
		notBefore: new Date(at - 86_400_000),
		notAfter: new Date(at + 20 * YEAR_MS),
		keys,
		signingAlgorithm: SIGNING,
		extensions: [
			new x509.BasicConstraintsExtension(true, 0, true),
			new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true)
		]
	});
	const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
	return { certificate: certificate.toString('pem'), key: Buffer.from(key).toString('base64') };
}

export interface IssueRequest {
	/** DER of a PKCS #10 request. */
	csr: Buffer;
	/** Names that the order is for: the request must name exactly these. */
	names: string[];
	notBefore: Date;
	notAfter: Date;
}

/**
 * Signs a request. @returns the chain in PEM, leaf first; null when the request is broken or names something else
 */
export async function issue(
	authority: AuthorityState,
	wanted: IssueRequest
): Promise<string | null> {
	const csr = requestIn(wanted.csr);
	if (!csr || !(await csr.verify())) return null;
	const asked = namesOf(csr).toSorted();
	if (asked.join() !== wanted.names.toSorted().join()) return null;
	const signer = new x509.X509Certificate(authority.certificate);
	const key = await crypto.subtle.importKey(
		'pkcs8',
		Buffer.from(authority.key, 'base64'),
		SIGNING,
		false,
		['sign']
	);
	const leaf = await x509.X509CertificateGenerator.create({
		serialNumber: serial(),
		subject: `CN=${asked[0] ?? ''}`,
		issuer: signer.subject,
		notBefore: wanted.notBefore,
		notAfter: wanted.notAfter,
		publicKey: csr.publicKey,
		signingKey: key,
		signingAlgorithm: SIGNING,
		extensions: [
			new x509.BasicConstraintsExtension(false, undefined, true),
			new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
			new x509.SubjectAlternativeNameExtension(
				asked.map((value) => ({ type: 'dns' as const, value }))
			)
		]
	});
	return `${leaf.toString('pem')}\n${authority.certificate}\n`;
}

function requestIn(der: Buffer): x509.Pkcs10CertificateRequest | null {
	try {
		return new x509.Pkcs10CertificateRequest(new Uint8Array(der));
	} catch {
		// Not a request at all: the client is told so.
		return null;
	}
}

function namesOf(csr: x509.Pkcs10CertificateRequest): string[] {
	const common = csr.subjectName.getField('CN');
	// By number: the class may be another copy of the library's, where the client in the same process brings its own.
	const extension = csr.getExtension('2.5.29.17');
	const listed = extension
		? new x509.SubjectAlternativeNameExtension(extension.rawData).names.items
		: [];
	return [
		...new Set([...common, ...listed.map(({ value }) => value)].map((name) => name.toLowerCase()))
	];
}

function serial(): string {
	return Buffer.from(crypto.getRandomValues(new Uint8Array(15)))
		.toString('hex')
		.replace(/^[89a-f]/, '1');
}
