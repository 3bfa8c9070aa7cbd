import { createHash, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
	/** PEM, PKCS #8. */
	key: string;
	/** PEM. */
	cert: string;
	/** SHA-256 over the DER form, as Proxmox prints it: `AA:BB:…`. */
	fingerprint: string;
}

/**
 * The certificate that a node made for itself at installation: made once, kept in `dir` (null: in memory only).
 * Written as DER here because a machine that runs the sandbox need not have openssl.
 */
export function nodeCertificate(dir: string | null, node: string): Certificate {
	const file = dir && join(dir, `${node}.pem`);
	const stored = file ? readStored(file) : null;
	if (stored) return stored;
	const made = selfSigned(node, ['localhost', node], '127.0.0.1');
	if (dir && file) {
		mkdirSync(dir, { recursive: true });
		writeFileSync(file, `${made.key}${made.cert}`, { mode: 0o600 });
	}
	return made;
}

function readStored(file: string): Certificate | null {
	let text: string;
	try {
		text = readFileSync(file, 'utf8');
	} catch {
		// Never made yet: the caller makes it.
		return null;
	}
	const start = text.indexOf('-----BEGIN CERTIFICATE-----');
	const cert = text.slice(start);
	return {
		key: text.slice(0, start),
		cert,
		fingerprint: new X509Certificate(cert).fingerprint256
	};
}

/** RFC 5280 v3 certificate on P-256, valid for ten years from yesterday. */
function selfSigned(commonName: string, dnsNames: string[], ip: string): Certificate {
	const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const algorithm = sequence(oid('2a8648ce3d040302'));
	const name = sequence(
		set(sequence(oid('55040a'), utf8('PVE Cluster Node'))),
		set(sequence(oid('550403'), utf8(commonName)))
	);
	const alternative = sequence(
		...dnsNames.map((dns) => tlv(0x82, Buffer.from(dns))),
		tlv(0x87, Buffer.from(ip.split('.').map(Number)))
	);
	const extensions = sequence(
		sequence(oid('551d11'), octets(alternative)),
		sequence(oid('551d13'), tlv(0x01, Buffer.from([0xff])), octets(sequence())),
		sequence(oid('551d25'), octets(sequence(oid('2b06010505070301'))))
	);
	const now = Date.now();
	const day = 86_400_000;
	const serial = randomBytes(16);
	serial[0] = (serial[0]! & 0x7f) | 0x01;
	const body = sequence(
		tlv(0xa0, tlv(0x02, Buffer.from([2]))),
		tlv(0x02, serial),
		algorithm,
		name,
		sequence(time(now - day), time(now + 3650 * day)),
		name,
		publicKey.export({ type: 'spki', format: 'der' }),
		tlv(0xa3, extensions)
	);
	const signature = sign('sha256', body, privateKey);
	const der = sequence(body, algorithm, tlv(0x03, Buffer.concat([Buffer.from([0]), signature])));
	const base64 = der
		.toString('base64')
		.replace(/(.{64})/g, '$1\n')
		.trimEnd();
	return {
		key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
		cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
		fingerprint: createHash('sha256')
			.update(der)
			.digest('hex')
			.toUpperCase()
			.replace(/(..)(?!$)/g, '$1:')
	};
}

function tlv(tag: number, value: Buffer): Buffer {
	const size = value.length;
	const length =
		size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
	return Buffer.concat([Buffer.from([tag, ...length]), value]);
}

function sequence(...parts: Buffer[]): Buffer {
	return tlv(0x30, Buffer.concat(parts));
}

function set(...parts: Buffer[]): Buffer {
	return tlv(0x31, Buffer.concat(parts));
}

function oid(hex: string): Buffer {
	return tlv(0x06, Buffer.from(hex, 'hex'));
}

function octets(value: Buffer): Buffer {
	return tlv(0x04, value);
}

function utf8(value: string): Buffer {
	return tlv(0x0c, Buffer.from(value));
}

/** UTCTime: two-digit years, enough until 2049. */
function time(ms: number): Buffer {
	const text = new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14);
	return tlv(0x17, Buffer.from(`${text}Z`));
}
