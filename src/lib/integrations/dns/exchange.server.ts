import { randomInt } from 'node:crypto';
import dgram from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import packet from 'dns-packet';

export interface DnsServer {
	host: string;
	port: number;
}

/** What one server answered. */
export interface Reply {
	/** 0 NOERROR · 2 SERVFAIL · 3 NXDOMAIN · 5 REFUSED … */
	code: number;
	/** The server has the word over this zone. */
	authoritative: boolean;
	answers: packet.Answer[];
	/** Seconds that a negative answer may be remembered; null without an SOA. */
	negativeTtl: number | null;
	/** Extended DNS errors (RFC 8914). */
	errors: number[];
}

/** Codes are those of Node's own resolver: ETIMEOUT, ECONNREFUSED, EBADRESP, ECANCELLED. */
export class ExchangeError extends Error {
	override name = 'ExchangeError';
	readonly code: string;

	constructor(code: string, options?: ErrorOptions) {
		super(code, options);
		this.code = code;
	}
}

export interface Question {
	name: string;
	type: packet.RecordType;
	/** False asks a zone's own server (RD clear). */
	recursive: boolean;
	/** Do not check signatures (CD). */
	unchecked: boolean;
}

const UDP_SIZE = 1232;
const EXTENDED_ERROR = 15;

/**
 * Asks one server over UDP, and over TCP when the answer did not fit. Every question has its own port and id, so that an
 * answer cannot be guessed from outside.
 * @param timeoutMs of the whole exchange
 * @throws {ExchangeError} when there was no usable answer
 */
export async function exchange(
	server: DnsServer,
	question: Question,
	timeoutMs: number,
	signal?: AbortSignal
): Promise<Reply> {
	const id = randomInt(0x10000);
	const message = encoded(id, question);
	const deadline = AbortSignal.timeout(Math.max(1, timeoutMs));
	const ends = signal ? AbortSignal.any([deadline, signal]) : deadline;
	const fits = (answer: packet.DecodedPacket) => isAnswerTo(answer, id, question);
	const first = await overUdp(server, message, fits, ends);
	return replyOf(first.flag_tc ? await overTcp(server, message, fits, ends) : first);
}

function encoded(id: number, { name, type, recursive, unchecked }: Question): Buffer {
	try {
		return packet.encode({
			type: 'query',
			id,
			flags:
				(recursive ? packet.RECURSION_DESIRED : 0) | (unchecked ? packet.CHECKING_DISABLED : 0),
			questions: [{ name, type }],
			// Without EDNS there are no extended errors, and answers end at 512 bytes.
			additionals: [
				{
					...{ type: 'OPT', name: '.', udpPayloadSize: UDP_SIZE, extendedRcode: 0 },
					...{ ednsVersion: 0, flags: 0, flag_do: false, options: [] }
				}
			]
		});
	} catch (cause) {
		// A label of more than 63 bytes: nobody can hold such a name.
		throw new ExchangeError('EBADNAME', { cause });
	}
}

function isAnswerTo(answer: packet.DecodedPacket, id: number, { name, type }: Question): boolean {
	if (answer.type !== 'response' || answer.id !== id) return false;
	const asked = answer.questions?.[0];
	// Servers that refuse to read the question send it back without it.
	return !asked || (asked.type === type && asked.name.toLowerCase() === name.toLowerCase());
}

type Fits = (answer: packet.DecodedPacket) => boolean;

function overUdp(
	server: DnsServer,
	message: Buffer,
	fits: Fits,
	ends: AbortSignal
): Promise<packet.DecodedPacket> {
	return new Promise((resolve, reject) => {
		const socket = dgram.createSocket(isIPv6(server.host) ? 'udp6' : 'udp4');
		const finish = (act: () => void) => {
			ends.removeEventListener('abort', abort);
			socket.removeAllListeners();
			socket.close();
			act();
		};
		const abort = () => finish(() => reject(ended(ends)));
		if (ends.aborted) return abort();
		ends.addEventListener('abort', abort);
		socket.on('error', (error) => finish(() => reject(failure(error))));
		socket.on('message', (bytes) => {
			const answer = decoded(bytes);
			if (!answer) finish(() => reject(new ExchangeError('EBADRESP')));
			else if (fits(answer)) finish(() => resolve(answer));
		});
		// Connected, the system itself drops what comes from elsewhere, and tells when nobody listens.
		socket.connect(server.port, server.host, () => {
			if (!ends.aborted) socket.send(message);
		});
	});
}

function overTcp(
	server: DnsServer,
	message: Buffer,
	fits: Fits,
	ends: AbortSignal
): Promise<packet.DecodedPacket> {
	return new Promise((resolve, reject) => {
		const socket = connect(server.port, server.host);
		const finish = (act: () => void) => {
			ends.removeEventListener('abort', abort);
			socket.removeAllListeners().on('error', () => undefined);
			socket.destroy();
			act();
		};
		const abort = () => finish(() => reject(ended(ends)));
		if (ends.aborted) return abort();
		ends.addEventListener('abort', abort);
		let received = Buffer.alloc(0);
		socket.on('error', (error) => finish(() => reject(failure(error))));
		socket.on('end', () => finish(() => reject(new ExchangeError('EBADRESP'))));
		socket.on('connect', () => {
			const length = Buffer.alloc(2);
			length.writeUInt16BE(message.length);
			socket.write(Buffer.concat([length, message]));
		});
		socket.on('data', (chunk: Buffer) => {
			received = Buffer.concat([received, chunk]);
			if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
			const answer = decoded(received.subarray(2, 2 + received.readUInt16BE(0)));
			if (answer && fits(answer)) finish(() => resolve(answer));
			else finish(() => reject(new ExchangeError('EBADRESP')));
		});
	});
}

function decoded(bytes: Buffer): packet.DecodedPacket | null {
	try {
		return packet.decode(bytes);
	} catch {
		return null;
	}
}

function replyOf(answer: packet.DecodedPacket): Reply {
	const soa = answer.authorities?.find((record) => record.type === 'SOA');
	const errors = (answer.additionals ?? []).flatMap((record) =>
		record.type === 'OPT' ? record.options.flatMap(extendedError) : []
	);
	return {
		code: (answer.flags ?? 0) & 15,
		authoritative: answer.flag_aa,
		answers: answer.answers ?? [],
		// RFC 2308: the smaller of the two.
		negativeTtl: soa ? Math.min(soa.ttl ?? 0, soa.data.minimum ?? 0) : null,
		errors
	};
}

function extendedError(option: packet.PacketOpt): number[] {
	const code: number = option.code;
	return code === EXTENDED_ERROR && option.data && option.data.length >= 2
		? [option.data.readUInt16BE(0)]
		: [];
}

function ended(signal: AbortSignal): ExchangeError {
	const late = signal.reason instanceof Error && signal.reason.name === 'TimeoutError';
	return new ExchangeError(late ? 'ETIMEOUT' : 'ECANCELLED');
}

function failure(error: Error): ExchangeError {
	const code = 'code' in error ? String(error.code) : 'EBADRESP';
	return new ExchangeError(code === 'ECONNRESET' ? 'ECONNREFUSED' : code, { cause: error });
}
