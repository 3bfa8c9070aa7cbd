import dgram from 'node:dgram';
import { promises } from 'node:dns';
import { connect } from 'node:net';
import packet from 'dns-packet';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { runRoute, testAccount } from '../cloudflare/testing.ts';
import { dnsControlRoutes } from './control.ts';
import { startDns } from './server.ts';

const { kernel } = await testAccount();
const server = await startDns(kernel, { port: 0 });
afterAll(() => server.close());
const routes = dnsControlRoutes(kernel);
const control = (method: string, path: string, body: object = {}) =>
	runRoute(routes, method, `/__sandbox/dns${path}`, body);
const customer = (body: object) => control('POST', '/records', body);

const ask = async <T>(query: (resolver: promises.Resolver) => Promise<T>) => {
	const resolver = new promises.Resolver({ timeout: 150, tries: 1 });
	resolver.setServers([`${server.host}:${server.port}`]);
	try {
		return await query(resolver);
	} catch (error) {
		return (error as NodeJS.ErrnoException).code;
	}
};
const txt = (name: string) => ask((resolver) => resolver.resolveTxt(name));

/** One message as it is on the wire, which Node's own resolver does not let us shape. */
const message = (name: string, type: packet.RecordType, flags: number, edns = true): Buffer =>
	packet.encode({
		...{ type: 'query', id: 7, flags, questions: [{ name, type }] },
		additionals: edns
			? [
					{
						...{ type: 'OPT', name: '.', udpPayloadSize: 1232, extendedRcode: 0 },
						...{ ednsVersion: 0, flags: 0, flag_do: false, options: [] }
					}
				]
			: []
	});
const overUdp = async (sent: Buffer, waitMs = 150): Promise<packet.DecodedPacket | null> => {
	const socket = dgram.createSocket('udp4');
	try {
		return await new Promise((seen) => {
			socket.once('message', (bytes) => seen(packet.decode(bytes)));
			socket.send(sent, server.port, server.host);
			setTimeout(seen, waitMs, null);
		});
	} finally {
		socket.close();
	}
};
const RD = packet.RECURSION_DESIRED;
const code = (answer: packet.Packet | null): number => (answer?.flags ?? 0) & 15;
const data = (answer: packet.Packet | null) =>
	(answer?.answers ?? []).map((one) => ('data' in one ? one.data : null));
const extendedErrors = (answer: packet.Packet | null): number[] =>
	(answer?.additionals ?? []).flatMap((one) =>
		one.type === 'OPT' ? one.options.map(({ data: bytes }) => bytes?.readUInt16BE(0) ?? 0) : []
	);

beforeEach(() => kernel.reset());

describe('zones in trouble', () => {
	beforeEach(() => customer({ name: 'www.cliente.com', type: 'A', content: '203.0.113.9' }));

	test('broken signatures: SERVFAIL with the reason, and the answer for who does not check', async () => {
		await control('POST', '/zones', { name: 'cliente.com', signed: 'broken' });
		const checked = await overUdp(message('www.cliente.com', 'A', RD));
		expect(code(checked)).toBe(2);
		expect(extendedErrors(checked)).toEqual([6]);
		const unchecked = await overUdp(message('www.cliente.com', 'A', RD | packet.CHECKING_DISABLED));
		expect(data(unchecked)).toEqual(['203.0.113.9']);
		await control('POST', '/zones', { name: 'cliente.com', signed: 'fine' });
		const fine = await overUdp(message('www.cliente.com', 'A', RD));
		expect(fine).toMatchObject({ flag_ad: true, flag_aa: false });
		expect(extendedErrors(fine)).toEqual([]);
	});

	test('silent servers: the resolver says that it reached none, they themselves say nothing', async () => {
		await control('POST', '/zones', { name: 'cliente.com', silent: true });
		const resolver = await overUdp(message('www.cliente.com', 'A', RD));
		expect(code(resolver)).toBe(2);
		expect(extendedErrors(resolver)).toEqual([22]);
		expect(await overUdp(message('www.cliente.com', 'A', 0), 60)).toBeNull();
	});

	test('a zone that is deleted is not registered any more', async () => {
		expect((await control('DELETE', '/zones/cliente.com')).status).toBe(200);
		expect((await control('DELETE', '/zones/cliente.com')).status).toBe(404);
		expect(await ask((resolver) => resolver.resolveNs('cliente.com'))).toBe('ENOTFOUND');
		for (const body of [
			{ name: 'x' },
			{ name: 'a.b', signed: 'maybe' },
			{ name: 'a.b', silent: 1 }
		])
			expect((await control('POST', '/zones', body)).status).toBe(400);
	});
});

describe('as the name server of a zone', () => {
	test('answers for its zones alone, follows no CNAME out of them, and says that it has the word', async () => {
		await customer({ name: 'www.cliente.com', type: 'CNAME', content: 'cliente.com' });
		await customer({ name: 'cliente.com', type: 'A', content: '203.0.113.9' });
		await customer({ name: 'erp.cliente.com', type: 'CNAME', content: 'customers.sajet.us' });
		const inside = await overUdp(message('www.cliente.com', 'A', 0));
		expect(inside).toMatchObject({ flag_aa: true, flag_ra: false });
		expect(data(inside)).toEqual(['cliente.com', '203.0.113.9']);
		expect(data(await overUdp(message('erp.cliente.com', 'A', 0)))).toEqual(['customers.sajet.us']);
		expect(code(await overUdp(message('none.cliente.com', 'A', 0)))).toBe(3);
		expect(code(await overUdp(message('stranger.org', 'A', 0)))).toBe(5);
	});

	test('the resolver remembers what was not there, the name server knows', async () => {
		await control('POST', '/negative-cache', { on: true });
		await customer({ name: 'www.cliente.com', type: 'A', content: '203.0.113.9' });
		expect(await txt('_erp.cliente.com')).toBe('ENOTFOUND');
		await customer({ name: '_erp.cliente.com', type: 'TXT', content: 'here' });
		expect(await txt('_erp.cliente.com')).toBe('ENOTFOUND');
		expect(data(await overUdp(message('_erp.cliente.com', 'TXT', 0)))).toEqual([
			[Buffer.from('here')]
		]);
		kernel.clock.offsetMs += 61_000;
		expect(await txt('_erp.cliente.com')).toEqual([['here']]);
		await control('POST', '/negative-cache', { on: false });
		expect((await control('POST', '/negative-cache', {})).status).toBe(400);
	});
});

test('what does not fit into a datagram is fetched over TCP', async () => {
	const content = 'z'.repeat(240);
	for (let index = 0; index < 8; index += 1) {
		await customer({ name: 'long.cliente.com', type: 'TXT', content: `${index}${content}` });
	}
	const cut = await overUdp(message('long.cliente.com', 'TXT', RD));
	expect(cut).toMatchObject({ flag_tc: true, answers: [] });
	const small = await overUdp(message('www.sajet.us', 'A', RD, false));
	expect(small).toMatchObject({ flag_tc: false, additionals: [] });
	const socket = connect(server.port, server.host);
	const bytes = message('long.cliente.com', 'TXT', RD);
	socket.write(Buffer.from([0, bytes.length]));
	socket.write(bytes);
	const chunks: Buffer[] = [];
	for await (const chunk of socket) {
		chunks.push(Buffer.from(chunk));
		const whole = Buffer.concat(chunks);
		if (whole.length >= 2 && whole.length === whole.readUInt16BE(0) + 2) break;
	}
	expect(packet.streamDecode(Buffer.concat(chunks)).answers).toHaveLength(8);
	// Node's own resolver does so by itself.
	expect(await txt('long.cliente.com')).toHaveLength(8);
});
