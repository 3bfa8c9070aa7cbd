import {
	cloudflareDocument,
	newConnector,
	timestamp,
	type Connector,
	type Tunnel
} from '../cloudflare/state.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { ConfigError, readConfig } from './config.ts';
import { cloudflaredDocument, hex, logged, note, type Machine, type UnitState } from './state.ts';

/** Real-life milliseconds until the first connection stands, which is when systemd calls the service started. */
const CONNECT_MS = 1_500;
/** Real-life milliseconds in which requests under way are let end. */
const GRACE_MS = 1_000;
const PROTOCOL_IPS = ['198.41.200.23', '198.41.192.57', '198.41.200.113', '198.41.192.107'];

function tunnelOf(kernel: Kernel, id: string): Tunnel | undefined {
	return cloudflareDocument(kernel)
		.get()
		.tunnels.find((tunnel) => tunnel.id === id && !tunnel.deleted_at);
}

/**
 * Starts a service: it reads its file once, and systemd waits until it is connected.
 * @returns what stands in its way, as it ends in the journal; null when it runs
 */
export async function start(
	kernel: Kernel,
	machine: Machine,
	unit: UnitState,
	signal: AbortSignal
): Promise<string | null> {
	const document = cloudflaredDocument(kernel);
	unit.startedMs = kernel.clock.nowMs();
	unit.pid = 800 + machine.lastIndex + 1;
	note(kernel, machine, unit, `Starting ${unit.name}.service - cloudflared...`, {
		identifier: 'systemd'
	});
	const problem = read(machine, unit) ?? missing(kernel, unit);
	if (problem) {
		logged(kernel, machine, unit, 'ERR', problem);
		unit.active = 'failed';
		note(
			kernel,
			machine,
			unit,
			`${unit.name}.service: Main process exited, code=exited, status=1/FAILURE`,
			{
				identifier: 'systemd',
				priority: 5
			}
		);
		note(kernel, machine, unit, `Failed to start ${unit.name}.service - cloudflared.`, {
			identifier: 'systemd',
			priority: 3
		});
		document.changed();
		return problem;
	}
	logged(kernel, machine, unit, 'INF', `Starting tunnel tunnelID=${unit.tunnelId}`);
	logged(kernel, machine, unit, 'INF', `Version ${machine.version}`);
	if (unit.config) logged(kernel, machine, unit, 'INF', `Settings: map[config:${unit.config}]`);
	await kernel.work('ssh', CONNECT_MS, signal);
	connect(kernel, machine, unit);
	unit.active = 'active';
	note(kernel, machine, unit, `Started ${unit.name}.service - cloudflared.`, {
		identifier: 'systemd'
	});
	return null;
}

/** Reads the file into the unit. @returns what is wrong with it */
function read(machine: Machine, unit: UnitState): string | null {
	if (!unit.config) return null;
	const file = machine.files[unit.config];
	if (!file) return `Cannot determine default configuration path. No file ${unit.config}`;
	try {
		const { tunnel, credentials, rules } = readConfig(unit.config, file.content);
		if (!tunnel)
			return '"cloudflared tunnel run" requires the ID or name of the tunnel to run as the last command line argument or in the configuration file.';
		if (credentials && !machine.files[credentials])
			return `Tunnel credentials file '${credentials}' doesn't exist or is not a file`;
		unit.tunnelId = tunnel;
		unit.rules = rules ?? [];
		return null;
	} catch (error) {
		if (!(error instanceof ConfigError)) throw error;
		return error.message;
	}
}

function missing(kernel: Kernel, unit: UnitState): string | null {
	return tunnelOf(kernel, unit.tunnelId)
		? null
		: 'Register tunnel error from server side error="Unauthorized: Tunnel not found" connIndex=0';
}

function connect(kernel: Kernel, machine: Machine, unit: UnitState): void {
	const tunnel = tunnelOf(kernel, unit.tunnelId);
	if (!tunnel) return;
	const at = timestamp(kernel);
	const connector: Connector = {
		...newConnector(`${machine.node}/${machine.vmid}/${unit.name}/${unit.pid}`, at),
		version: machine.version
	};
	// Connectors that somebody pretends by control routes stay what they are; those of this service are its own.
	tunnel.connectors = [...tunnel.connectors.filter(({ id }) => id !== unit.connectorId), connector];
	tunnel.conns_active_at = at;
	unit.connectorId = connector.id;
	unit.toldVersion = tunnel.version;
	cloudflareDocument(kernel).changed();
	connector.conns.forEach(({ id, colo_name: location }, index) =>
		logged(
			kernel,
			machine,
			unit,
			'INF',
			`Registered tunnel connection connIndex=${index} connection=${id} event=0 ip=${PROTOCOL_IPS[index]} location=${location} protocol=quic`
		)
	);
}

/** Stops a service: its connections go first, requests under way may end. */
export async function stop(
	kernel: Kernel,
	machine: Machine,
	unit: UnitState,
	signal: AbortSignal
): Promise<void> {
	if (unit.active === 'active') {
		logged(
			kernel,
			machine,
			unit,
			'INF',
			'Initiating graceful shutdown due to signal terminated ...'
		);
		disconnect(kernel, unit);
		await kernel.work('ssh', GRACE_MS, signal);
		note(kernel, machine, unit, `Stopped ${unit.name}.service - cloudflared.`, {
			identifier: 'systemd'
		});
	}
	unit.active = 'inactive';
	if (unit.transient) delete machine.units[unit.name];
	cloudflaredDocument(kernel).changed();
}

function disconnect(kernel: Kernel, unit: UnitState): void {
	const tunnel = tunnelOf(kernel, unit.tunnelId);
	if (!tunnel) return;
	tunnel.connectors = tunnel.connectors.filter(({ id }) => id !== unit.connectorId);
	if (tunnel.connectors.length === 0) tunnel.conns_inactive_at = timestamp(kernel);
	unit.connectorId = null;
	cloudflareDocument(kernel).changed();
}

/** What cloudflared has written since: of a tunnel that is configured at Cloudflare, each new version. */
export function catchUp(kernel: Kernel, machine: Machine): void {
	for (const unit of Object.values(machine.units)) {
		if (unit.config || unit.active !== 'active') continue;
		const tunnel = tunnelOf(kernel, unit.tunnelId);
		if (!tunnel || tunnel.version === unit.toldVersion) continue;
		unit.toldVersion = tunnel.version;
		const config = JSON.stringify(JSON.stringify(tunnel.config ?? {}));
		logged(
			kernel,
			machine,
			unit,
			'INF',
			`Updated to new configuration config=${config} version=${tunnel.version}`
		);
	}
}

/** Installs cloudflared on a system and starts it, as `cloudflared service install` does. */
export async function install(
	kernel: Kernel,
	place: { node: string; vmid: number | null },
	options: {
		tunnelId: string;
		source: 'local' | 'cloudflare';
		unit: string;
		path: string;
		config?: string;
		version?: string;
	}
): Promise<Machine> {
	const document = cloudflaredDocument(kernel);
	const state = document.get();
	state.machines = state.machines.filter(
		(one) => one.vmid !== place.vmid || (place.vmid === null && one.node !== place.node)
	);
	const machine: Machine = {
		...place,
		version: options.version ?? '2026.10.1',
		files: {},
		units: {},
		journal: [],
		lastIndex: 0
	};
	state.machines.push(machine);
	const changedMs = kernel.clock.nowMs() - 1_000;
	const local = options.source === 'local';
	if (local) {
		const credentials = `${options.path.replace(/\/[^/]*$/, '')}/${options.tunnelId}.json`;
		const content =
			options.config ??
			`tunnel: ${options.tunnelId}\ncredentials-file: ${credentials}\n\ningress:\n  - service: http_status:404\n`;
		machine.files[options.path] = { content, mode: '644', changedMs };
		const secret = hex(options.tunnelId);
		machine.files[credentials] = {
			content: `{"TunnelSecret":"${secret}"}`,
			mode: '400',
			changedMs
		};
	}
	const unit: UnitState = {
		name: options.unit,
		transient: false,
		config: local ? options.path : null,
		tunnelId: options.tunnelId,
		active: 'inactive',
		startedMs: null,
		pid: 0,
		rules: null,
		connectorId: null,
		toldVersion: 0
	};
	machine.units[unit.name] = unit;
	const tunnel = tunnelOf(kernel, options.tunnelId);
	if (tunnel) {
		tunnel.config_src = options.source;
		tunnel.connectors = [];
	}
	await start(kernel, machine, unit, new AbortController().signal);
	document.changed();
	return machine;
}
