import { Agent, request } from 'undici';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { hammer, type Times } from './load.ts';
import { figure, heading } from './report.ts';
import { activeInstance, logIn, type World } from './world.ts';

/** What a keystroke's way through us may add to the node's own echo, in milliseconds. */
const MOST_ADDED = 20;

const opened = z.object({
	data: z.object({ user: z.string(), ticket: z.string(), port: z.string() })
});
/** What a form's action answers a script: its data as SvelteKit writes it, the ticket last. */
const answered = z.object({ type: z.literal('success'), data: z.string() });

/** A terminal: sends one key, and calls back with everything that is shown. */
interface Terminal {
	type(key: string): void;
	onShown: (text: string) => void;
	close(): void;
}

/** From a key that is sent to its echo: straight from the node, and through us. */
export async function benchConsole(world: World, keys: number): Promise<void> {
	heading(`Console: ${keys} keystrokes`);
	const tenant = await activeInstance(world.sql);
	const { rows } = await world.sql.query<{ id: string; vmid: number; node: string }>(
		`SELECT container.id, container.vmid, node.name AS node FROM tenant_deployments tenant
		JOIN lxc_containers container ON container.id = tenant.container_id
		JOIN proxmox_nodes node ON node.id = container.node_id WHERE tenant.id = $1`,
		[tenant]
	);
	const { id, vmid, node } = rows[0]!;
	const straight = await openStraight(world, node, vmid);
	const through = await openThrough(world, id);
	// By turns, so that whatever else the machine does hits both.
	const rounds = 5;
	const times: { own: Times[]; ours: Times[] } = { own: [], ours: [] };
	for (let round = 0; round < rounds; round += 1) {
		times.own.push(await echo(straight, keys / rounds));
		times.ours.push(await echo(through, keys / rounds));
	}
	straight.close();
	through.close();
	for (const share of ['p50', 'p99'] as const) {
		const own = middle(times.own.map((one) => one[share]));
		const ours = middle(times.ours.map((one) => one[share]));
		figure({
			what: `Echo through us, ${share}`,
			value: ours,
			unit: 'ms',
			reference: { what: 'the node’s own', value: own }
		});
		figure({ what: `Added by us, ${share}`, value: ours - own, unit: 'ms', aim: MOST_ADDED });
	}
}

async function echo(terminal: Terminal, count: number): Promise<Times> {
	let typed = 0;
	const press = (key: string, awaited: string) =>
		new Promise<void>((done) => {
			let seen = '';
			terminal.onShown = (text) => {
				seen += text;
				if (seen.includes(awaited)) done();
			};
			terminal.type(key);
		});
	await press('\u0003', '# ');
	return hammer(
		() => {
			const key = 'abcdefghijklmnopqrstuvwxyz'[typed++ % 26]!;
			return press(key, key);
		},
		{ concurrency: 1, count, seconds: 30 }
	);
}

async function openStraight({ demo }: World, node: string, vmid: number): Promise<Terminal> {
	const { url, token } = demo.vendors.proxmox.find((one) => one.node === node)!;
	const headers = { authorization: `PVEAPIToken=${token}` };
	const path = `${url}/api2/json/nodes/${node}/lxc/${vmid}`;
	const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
	const answer = await request(`${path}/termproxy`, { method: 'POST', headers, dispatcher });
	const { data } = opened.parse(await answer.body.json());
	const query = new URLSearchParams({ port: data.port, vncticket: data.ticket });
	const address = `${path.replace(/^http/, 'ws')}/vncwebsocket?${query}`;
	const socket = new WebSocket(address, 'binary', {
		headers,
		rejectUnauthorized: false,
		perMessageDeflate: false
	});
	const terminal = terminalOn(socket, (key) => `0:${Buffer.byteLength(key)}:${key}`);
	await new Promise((done) => socket.once('open', done));
	const greeted = new Promise((done) => socket.once('message', done));
	socket.send(`${data.user}:${data.ticket}\n`);
	await greeted;
	await dispatcher.close();
	return terminal;
}

async function openThrough({ demo }: World, containerId: string): Promise<Terminal> {
	const cookie = await logIn(demo.app, demo.staff, 'admin');
	const origin = new URL(demo.app).origin;
	const page = `${demo.app}/admin/infrastructure/containers/${containerId}/console?/open`;
	const answer = await fetch(page, {
		method: 'POST',
		headers: { cookie, origin, accept: 'application/json', 'x-sveltekit-action': 'true' },
		body: new URLSearchParams()
	});
	const { data } = answered.parse(await answer.json());
	const ticket = z.array(z.unknown()).parse(JSON.parse(data)).at(-1);
	const socket = new WebSocket(
		`${origin.replace(/^http/, 'ws')}/live/console`,
		['erp-console', `ticket.${String(ticket)}`],
		{ headers: { cookie, origin } }
	);
	const terminal = terminalOn(socket, (key) => Buffer.from(key));
	await new Promise((done, fail) => {
		socket.once('message', done);
		socket.once('error', fail);
	});
	return terminal;
}

function terminalOn(socket: WebSocket, frame: (key: string) => string | Buffer): Terminal {
	const terminal: Terminal = {
		type: (key) => socket.send(frame(key)),
		onShown: () => undefined,
		close: () => socket.close()
	};
	socket.on('message', (data: Buffer, isBinary) => {
		if (isBinary) terminal.onShown(String(data));
	});
	return terminal;
}

function middle(values: number[]): number {
	return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
