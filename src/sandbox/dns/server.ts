import dgram from 'node:dgram';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import packet from 'dns-packet';
import type { Kernel } from '../kernel/kernel.ts';
import { encodeAnswer } from './message.ts';
import { NegativeCache } from './negative.ts';
import { authoritative, resolve, type Resolution } from './resolve.ts';
import { dnsDocument } from './zones.ts';

export interface DnsStandIn {
	host: string;
	port: number;
	close(): Promise<void>;
}

type Answering = (message: Buffer, udp: boolean) => Promise<Buffer | null>;

const HOST = '127.0.0.1';
const USUAL_MS = 30;
const PORT_TRIES = 10;

/**
 * Starts the public DNS over UDP and TCP. Asked with recursion it is the world's resolver, without it the name server of
 * every zone here. Faults match the asked name; `status` answers SERVFAIL.
 */
export async function startDns(kernel: Kernel, options: { port: number }): Promise<DnsStandIn> {
	dnsDocument(kernel);
	const cache = new NegativeCache(kernel);
	const answering: Answering = (message, udp) => answer(kernel, cache, message, udp);
	const { udp, tcp, sockets } = await bothWays(options.port, answering);
	return {
		host: HOST,
		port: udp.address().port,
		close: async () => {
			await new Promise<void>((closed) => udp.close(closed));
			for (const socket of sockets) socket.destroy();
			await new Promise<void>((closed) => tcp.close(() => closed()));
		}
	};
}

/** The same port over UDP and TCP; of a free one, another is tried when only one of the two is free. */
async function bothWays(port: number, answering: Answering) {
	for (let attempt = 1; ; attempt += 1) {
		const sockets = new Set<Socket>();
		const tcp = overTcp(answering, sockets);
		await new Promise<void>((bound, failed) => {
			tcp.once('error', failed).listen(port, HOST, bound);
		});
		const udp = dgram.createSocket('udp4');
		try {
			await new Promise<void>((bound, failed) => {
				udp.once('error', failed).bind((tcp.address() as AddressInfo).port, HOST, bound);
			});
		} catch (error) {
			tcp.close();
			if (port !== 0 || attempt === PORT_TRIES) throw error;
			continue;
		}
		let open = true;
		udp.once('close', () => (open = false));
		udp.on('message', (message, peer) => {
			void answering(message, true).then((response) => {
				if (response && open) udp.send(response, peer.port, peer.address);
			});
		});
		return { udp, tcp, sockets };
	}
}

/** RFC 1035, 4.2.2: each message after its length in two bytes. */
function overTcp(answering: Answering, sockets: Set<Socket>): Server {
	return createServer((socket) => {
		sockets.add(socket);
		socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
		let received = Buffer.alloc(0);
		socket.on('data', (chunk: Buffer) => {
			received = Buffer.concat([received, chunk]);
			while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
				const end = 2 + received.readUInt16BE(0);
				const message = received.subarray(2, end);
				received = received.subarray(end);
				void answering(message, false).then((response) => {
					if (!response || !socket.writable) return;
					const length = Buffer.alloc(2);
					length.writeUInt16BE(response.length);
					socket.write(Buffer.concat([length, response]));
				});
			}
		});
	});
}

/** The bytes to send back; null for silence. */
async function answer(
	kernel: Kernel,
	cache: NegativeCache,
	message: Buffer,
	udp: boolean
): Promise<Buffer | null> {
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
	const bits = `${question.type}${query.flag_rd ? ' rd' : ''}${query.flag_cd ? ' cd' : ''}`;
	const fault = kernel.faults.take('dns', line, bits);
	if (fault?.kind === 'delay') await sleep(fault.ms ?? 1000);
	await kernel.latency('dns', USUAL_MS);
	const failing = fault?.kind === 'status';
	const resolution: Resolution | null = failing
		? { code: 'SERVFAIL', answers: [], soa: null }
		: query.flag_rd
			? cache.through(line, question.type, query.flag_cd, () =>
					resolve(kernel, line, question.type, { unchecked: query.flag_cd })
				)
			: authoritative(kernel, line, question.type);
	const silent = !resolution || (fault && ['drop', 'timeout', 'reset'].includes(fault.kind));
	kernel.calls.add({
		at: kernel.clock.nowMs(),
		vendor: 'dns',
		line: `${line} ${question.type}`,
		status:
			silent || fault?.kind === 'malformed' ? (fault?.kind ?? 'silent') : (resolution?.code ?? ''),
		response: (resolution?.answers ?? [])
			.map(({ type, content }) => `${type} ${content}`)
			.join(', '),
		ms: Math.round(performance.now() - started),
		fault: fault?.kind
	});
	if (silent) return null;
	if (fault?.kind === 'malformed') return Buffer.from('not a DNS message');
	return encodeAnswer(query, question, resolution, { udp, authoritative: !query.flag_rd });
}
