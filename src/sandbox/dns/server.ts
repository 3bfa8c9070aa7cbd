import dgram from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import packet from 'dns-packet';
import type { Kernel } from '../kernel/kernel.ts';
import { resolve, type Answer, type Resolution } from './resolve.ts';
import { dnsDocument } from './zones.ts';

export interface DnsStandIn {
	host: string;
	port: number;
	close(): Promise<void>;
}

const HOST = '127.0.0.1';
const USUAL_MS = 30;
const NEGATIVE_TTL = 60;
const CODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3 };

/** Starts the public DNS over UDP. Faults match the asked name; `status` answers SERVFAIL. */
export async function startDns(kernel: Kernel, options: { port: number }): Promise<DnsStandIn> {
	dnsDocument(kernel);
	const socket = dgram.createSocket('udp4');
	let open = true;
	socket.on('message', (message, peer) => {
		void answer(kernel, message).then((response) => {
			if (response && open) socket.send(response, peer.port, peer.address);
		});
	});
	await new Promise<void>((bound, failed) => {
		socket.once('error', failed);
		socket.bind(options.port, HOST, bound);
	});
	return {
		host: HOST,
		port: socket.address().port,
		close: () =>
			new Promise((closed) => {
				open = false;
				socket.close(() => closed());
			})
	};
}

/** The bytes to send back; null for silence. */
async function answer(kernel: Kernel, message: Buffer): Promise<Buffer | null> {
	const started = performance.now();
	let query: packet.DecodedPacket;
	try {
		query = packet.decode(message);
	} catch {
		// What cannot be read cannot be answered: even its id is unknown.
		return null;
	}
	const question = query.questions?.[0];
	if (!question || query.type === 'response') return null;
	const line = question.name.toLowerCase();
	const fault = kernel.faults.take('dns', line);
	if (fault?.kind === 'delay') await sleep(fault.ms ?? 1000);
	await kernel.latency('dns', USUAL_MS);
	const silent = fault && ['drop', 'timeout', 'reset'].includes(fault.kind);
	const resolution: Resolution =
		fault?.kind === 'status'
			? { code: 'SERVFAIL', answers: [], soa: null }
			: resolve(kernel, question.name, question.type);
	kernel.calls.add({
		at: kernel.clock.nowMs(),
		vendor: 'dns',
		line: `${line} ${question.type}`,
		status: silent || fault?.kind === 'malformed' ? fault.kind : resolution.code,
		response: resolution.answers.map(({ type, content }) => `${type} ${content}`).join(', '),
		ms: Math.round(performance.now() - started),
		fault: fault?.kind
	});
	if (silent) return null;
	if (fault?.kind === 'malformed') return Buffer.from('not a DNS message');
	return packet.encode({
		type: 'response',
		id: query.id,
		flags: packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | (CODES[resolution.code] ?? 0),
		questions: [question],
		answers: resolution.answers.flatMap(encoded),
		authorities: resolution.soa === null ? [] : [soa(resolution.soa)]
	});
}

function encoded({ name, type, content, ttl, priority }: Answer): packet.Answer[] {
	switch (type) {
		case 'A':
		case 'AAAA':
		case 'CNAME':
		case 'NS':
			return [{ name, type, ttl, data: content }];
		case 'TXT':
			return [{ name, type, ttl, data: chunks(content) }];
		case 'MX':
			return [{ name, type, ttl, data: { preference: priority ?? 10, exchange: content } }];
		default:
			return [];
	}
}

/** A TXT record is a list of strings of at most 255 bytes; registrars' quotes are not part of it. */
function chunks(content: string): Buffer[] {
	const bytes = Buffer.from(content.replace(/^"(.*)"$/s, '$1'));
	const result: Buffer[] = [];
	for (let start = 0; start < Math.max(1, bytes.length); start += 255) {
		result.push(bytes.subarray(start, start + 255));
	}
	return result;
}

function soa(zone: string): packet.Answer {
	return {
		name: zone,
		type: 'SOA',
		ttl: NEGATIVE_TTL,
		data: {
			mname: `ns1.${zone}`,
			rname: `dns.${zone}`,
			serial: 2_026_010_100,
			refresh: 10_000,
			retry: 2400,
			expire: 604_800,
			minimum: NEGATIVE_TTL
		}
	};
}
