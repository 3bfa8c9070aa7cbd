import packet from 'dns-packet';
import type { Answer, Resolution } from './resolve.ts';

const CODES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 };
const NEGATIVE_TTL = 60;
/** Without EDNS an answer over UDP has this many bytes at most (RFC 1035); with it, what the asker can take. */
const PLAIN_UDP = 512;
const LARGEST_UDP = 1232;
const EXTENDED_ERROR = 15;

/** The bytes of an answer; over UDP cut to an empty one with TC when they do not fit. */
export function encodeAnswer(
	query: packet.DecodedPacket,
	question: packet.Question,
	resolution: Resolution,
	way: { udp: boolean; authoritative: boolean }
): Buffer {
	const flags =
		(way.authoritative
			? packet.AUTHORITATIVE_ANSWER
			: packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE) |
		(resolution.authentic ? packet.AUTHENTIC_DATA : 0) |
		(query.flag_cd ? packet.CHECKING_DISABLED : 0) |
		CODES[resolution.code];
	const head = { type: 'response' as const, id: query.id, questions: [question] };
	const edns = query.additionals?.find((record) => record.type === 'OPT');
	const finish = (message: Buffer) => (edns ? withOpt(message, resolution.error) : message);
	const whole = finish(
		packet.encode({
			...head,
			flags,
			answers: resolution.answers.flatMap(encoded),
			authorities:
				resolution.soa === null ? [] : [soa(resolution.soa, resolution.negativeTtl ?? NEGATIVE_TTL)]
		})
	);
	const room = edns ? Math.min(LARGEST_UDP, Math.max(PLAIN_UDP, edns.udpPayloadSize)) : PLAIN_UDP;
	if (!way.udp || whole.length <= room) return whole;
	return finish(packet.encode({ ...head, flags: flags | packet.TRUNCATED_RESPONSE }));
}

/** Adds the EDNS record by hand: the codec knows no extended errors. */
function withOpt(message: Buffer, error: number | undefined): Buffer {
	const options = Buffer.alloc(error === undefined ? 0 : 6);
	if (error !== undefined) {
		options.writeUInt16BE(EXTENDED_ERROR, 0);
		options.writeUInt16BE(2, 2);
		options.writeUInt16BE(error, 4);
	}
	const opt = Buffer.alloc(11);
	opt.writeUInt16BE(41, 1);
	opt.writeUInt16BE(LARGEST_UDP, 3);
	opt.writeUInt16BE(options.length, 9);
	const result = Buffer.concat([message, opt, options]);
	result.writeUInt16BE(message.readUInt16BE(10) + 1, 10);
	return result;
}

function encoded({ name, type, content, ttl, priority }: Answer): packet.Answer[] {
	switch (type) {
		case 'A':
		case 'AAAA':
		case 'CNAME':
		case 'NS':
			return [{ name, type, ttl, data: content }];
		case 'TXT':
			return [{ name, type, ttl, data: strings(content) }];
		case 'MX':
			return [{ name, type, ttl, data: { preference: priority ?? 10, exchange: content } }];
		case 'CAA': {
			const caa = parseCaa(content);
			return caa ? [{ name, type, ttl, data: caa }] : [];
		}
		case 'SOA': {
			const [mname = '', rname = '', ...numbers] = content.split(' ');
			const [serial, refresh, retry, expire, minimum] = numbers.map(Number);
			const data = { mname, rname, serial, refresh, retry, expire, minimum };
			return [{ name, type, ttl, data }];
		}
		default:
			return [];
	}
}

/** `0 issue "letsencrypt.org"`; null when it is none. */
export function parseCaa(content: string): packet.CaaData | null {
	const [, flags, tag, value] =
		/^(\d{1,3})\s+(issue|issuewild|iodef)\s+"?([^"]*)"?$/.exec(content) ?? [];
	if (flags === undefined || value === undefined) return null;
	if (tag !== 'issue' && tag !== 'issuewild' && tag !== 'iodef') return null;
	return { flags: Number(flags), tag, value };
}

/**
 * A TXT record is a list of strings of at most 255 bytes. Registrars' quotes are not part of it: `"a" "b"` are two
 * strings.
 */
function strings(content: string): Buffer[] {
	const quoted = /^\s*("[^"]*"\s*)+$/.test(content)
		? [...content.matchAll(/"([^"]*)"/g)].map(([, text = '']) => text)
		: [content];
	return quoted.flatMap((text) => {
		const bytes = Buffer.from(text);
		const result: Buffer[] = [];
		for (let start = 0; start < Math.max(1, bytes.length); start += 255) {
			result.push(bytes.subarray(start, start + 255));
		}
		return result;
	});
}

function soa(zone: string, minimum: number): packet.Answer {
	return {
		name: zone,
		type: 'SOA',
		ttl: minimum,
		data: {
			mname: `ns1.${zone}`,
			rname: `dns.${zone}`,
			serial: 2_026_010_100,
			refresh: 10_000,
			retry: 2400,
			expire: 604_800,
			minimum
		}
	};
}
