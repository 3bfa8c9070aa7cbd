import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SandboxRequest, SandboxResponse } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { ServiceHandler } from '../kernel/network.ts';
import type { Cluster } from '../proxmox/cluster.ts';
import { reachableAt } from '../proxmox/operations-config.ts';
import type { ContainerState } from '../proxmox/state.ts';
import { databaseManager } from './database-manager.ts';
import { jsonRpc } from './jsonrpc.ts';
import { homePage, loginPage, notFoundPage, type PageContext } from './pages.ts';
import { isHeld, isShut } from './pg-tools.ts';
import { mayDo } from './privileges.ts';
import { withDatabases } from './server.ts';
import { passwordMatches, type DatabaseState, type GuestState } from './state.ts';

/** nginx, Odoo and Odoo's long-polling port. */
const PORTS = new Set([80, 8069, 8072]);

/** Puts the containers' web servers on the sandbox's private network. */
export function serveContainers(kernel: Kernel, cluster: Cluster): void {
	kernel.network.serve((address, port) => {
		for (const container of Object.values(cluster.state.containers)) {
			if (reachableAt(container) !== address) continue;
			const service = serveOdoo(cluster, container, port);
			if (service) return service;
		}
		return null;
	});
}

/** The web server on a container's port; null: connection refused. */
export function serveOdoo(
	cluster: Cluster,
	container: ContainerState,
	port: number
): ServiceHandler | null {
	const guest = cluster.guests.get(container.vmid);
	const node = cluster.state.nodes.find((candidate) => candidate.name === container.node);
	const up = container.status === 'running' && container.readyAtMs <= Date.now() && node?.online;
	const proxied =
		port !== 80 || guest?.installed === undefined || guest.installed.includes('nginx');
	if (!guest?.active || !up || !proxied || !PORTS.has(port)) return null;
	return async (request) => {
		const { kernel } = cluster;
		const started = performance.now();
		const line = `${request.method} ${request.path}`;
		const fault = kernel.faults.take(
			'odoo',
			line,
			`${request.host}\n${request.body.toString('utf8')}`
		);
		if (fault?.kind === 'delay') await sleep(fault.ms ?? 1000);
		if (fault?.kind === 'timeout') await new Promise(() => undefined);
		if (fault?.kind === 'reset' || fault?.kind === 'drop')
			throw new Error('connection reset by the container');
		await kernel.latency('odoo', 40);
		const spoiled: SandboxResponse | null =
			fault?.kind === 'status'
				? { status: fault.status ?? 500, body: fault.body ?? 'Internal Server Error' }
				: fault?.kind === 'malformed'
					? { status: 200, headers: { 'content-type': 'text/html' }, body: fault.body ?? '<html>' }
					: null;
		const late = fault?.when === 'after' && spoiled;
		const answered =
			spoiled && !late
				? null
				: await respond(
						cluster,
						reached(cluster, container, guest),
						behindNginx(request, port),
						port
					);
		kernel.faults.struck(fault);
		const answer = spoiled ?? answered!;
		kernel.calls.add({
			at: kernel.clock.nowMs(),
			vendor: 'odoo',
			line: `${container.vmid}: ${line}`,
			status: answer.status,
			ms: Math.round(performance.now() - started),
			fault: fault?.kind
		});
		return answer;
	};
}

/** Without the server of its databases Odoo lists none. */
function reached(cluster: Cluster, container: ContainerState, guest: GuestState): GuestState {
	const whole = withDatabases(cluster, container, guest);
	return 'state' in whole ? whole.state : { ...guest, databases: {} };
}

/** What the nginx of our template does on port 80: Odoo hears of no other host than the one that nginx was asked for. */
function behindNginx(request: SandboxRequest, port: number): SandboxRequest {
	if (port !== 80) return request;
	return { ...request, headers: { ...request.headers, 'x-forwarded-host': request.host } };
}

async function respond(
	cluster: Cluster,
	guest: GuestState,
	request: SandboxRequest,
	port: number
): Promise<SandboxResponse> {
	const { path, method } = request;
	// The long-polling process knows only its own routes.
	if (port === 8072 && !path.startsWith('/websocket') && path !== '/web/health')
		return html(404, notFoundPage());
	if (path === '/web/health')
		return { status: 200, headers: { 'cache-control': 'no-store' }, body: { status: 'pass' } };
	if (path === '/web/version' && guest.version >= 19) {
		return {
			status: 200,
			body: { version: `${guest.version}.0`, version_info: versionInfo(guest) }
		};
	}
	if (path === '/jsonrpc' && method === 'POST') return jsonRpc(cluster, guest, request);
	const context: PageContext = { host: request.host, version: guest.version };
	if (path.startsWith('/web/database/')) return databaseManager(cluster, guest, request, context);
	const database = databaseOf(guest, request);
	if (!database) {
		if (path === '/' || path.startsWith('/web') || path.startsWith('/odoo')) {
			return guest.listDb
				? { status: 303, headers: { location: '/web/database/selector' }, body: '' }
				: html(404, notFoundPage());
		}
		return html(404, notFoundPage());
	}
	if (!database.complete || isHeld(database))
		return html(
			500,
			'<!DOCTYPE html><title>500 Internal Server Error</title><h1>Internal Server Error</h1>'
		);
	if (path === '/') return redirect('/web/login');
	if (path === '/web/login') return login(database, request, context);
	if (path === '/web/session/logout') {
		return {
			status: 303,
			headers: { location: '/web/login', 'set-cookie': 'session_id=; Path=/; Max-Age=0' },
			body: ''
		};
	}
	if (path === '/web' || path.startsWith('/odoo')) {
		const user = userOf(database, request);
		return user ? html(200, homePage(database, user, context)) : redirect('/web/login');
	}
	return html(404, notFoundPage());
}

export function versionInfo(guest: GuestState): (number | string)[] {
	return [guest.version, 0, 0, 'final', 0, ''];
}

export function html(status: number, body: string): SandboxResponse {
	return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body };
}

function redirect(location: string): SandboxResponse {
	return { status: 303, headers: { location }, body: '' };
}

/** The database that the Host selects by `dbfilter`; the only one when there is no filter. */
export function databaseOf(guest: GuestState, request: SandboxRequest): DatabaseState | null {
	const forwarded = request.headers['x-forwarded-host'];
	const host = (forwarded ?? request.host).split(':')[0]!.toLowerCase();
	const label = host.replace(/^www\./, '').split('.')[0]!;
	// Odoo lists what lets anybody in.
	const names = Object.keys(guest.databases).filter((name) => !isShut(guest.databases[name]!));
	if (!guest.dbfilter) return names.length === 1 ? guest.databases[names[0]!]! : null;
	const escape = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
	const pattern = new RegExp(
		guest.dbfilter.replace('%h', escape(host)).replace('%d', escape(label))
	);
	const matching = names.filter((name) => pattern.test(name));
	return matching.length === 1 ? guest.databases[matching[0]!]! : null;
}

/** Sessions live as long as the process: after a restart everybody logs in again. */
const sessions = new Map<string, { database: string; user: number }>();

function userOf(
	database: DatabaseState,
	request: SandboxRequest
): DatabaseState['users'][number] | null {
	const id = /(?:^|;\s*)session_id=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
	const session = id === undefined ? undefined : sessions.get(id);
	if (session?.database !== database.parameters['database.uuid']) return null;
	return database.users.find((user) => user.id === session?.user && user.active) ?? null;
}

export function authenticate(
	database: DatabaseState,
	login: string,
	password: string
): number | false {
	const user = database.users.find((one) => one.login === login && one.active);
	return user && passwordMatches(user.password, password) ? user.id : false;
}

function login(
	database: DatabaseState,
	request: SandboxRequest,
	context: PageContext
): SandboxResponse {
	if (request.method !== 'POST') {
		if (userOf(database, request)) return redirect('/web');
		return html(200, loginPage(database, context));
	}
	const form = new URLSearchParams(request.body.toString('utf8'));
	const name = form.get('login') ?? '';
	const user = authenticate(database, name, form.get('password') ?? '');
	if (user === false) return html(200, loginPage(database, context, { login: name, failed: true }));
	// Odoo notes each login in a row, and none succeeds where it cannot.
	const notes = database.version >= 18 ? ['res_users_log', 'res_device_log'] : ['res_users_log'];
	if (notes.some((table) => !mayDo(database, table, 'INSERT')))
		return html(
			500,
			'<!DOCTYPE html><title>500 Internal Server Error</title><h1>Internal Server Error</h1>'
		);
	const session = randomBytes(20).toString('hex');
	sessions.set(session, { database: database.parameters['database.uuid']!, user });
	// Odoo rewrites its own address at an administrator's login unless it is frozen.
	if (user === 2 && !database.parameters['web.base.url.freeze']) {
		const scheme = request.headers['x-forwarded-proto'] ?? 'http';
		database.parameters['web.base.url'] =
			`${scheme}://${request.headers['x-forwarded-host'] ?? request.host}`;
	}
	return {
		status: 303,
		headers: {
			location: form.get('redirect') || (context.version >= 18 ? '/odoo' : '/web'),
			'set-cookie': `session_id=${session}; Path=/; HttpOnly; SameSite=Lax; Max-Age=604800`
		},
		body: ''
	};
}
