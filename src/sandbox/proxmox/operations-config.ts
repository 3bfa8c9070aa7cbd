import type { ApiCall, Operation } from './api.ts';
import {
	addressOf,
	checkUnlocked,
	digestOf,
	netOptions,
	rootBytes,
	rootStorage
} from './cluster.ts';
import { netValue } from './create.ts';
import { TASK_MS } from './durations.ts';
import { died, forbidden, invalid } from './errors.ts';
import { checkSpace, containerOf } from './operations-lxc.ts';
import { CONFIG_RULES, configValue, flag, text } from './parameters.ts';
import { requireAny } from './permissions.ts';
import { GIB, type ConfigValue, type ContainerState } from './state.ts';

/** Options that a running container takes at once; the others wait for its next start. */
const HOT =
	/^(memory|swap|cores|cpulimit|cpuunits|hostname|nameserver|searchdomain|net\d+|description|tags|onboot|startup|protection|timezone|lock)$/;

const PRIVILEGE: [RegExp, string][] = [
	[/^(cores|cpulimit|cpuunits)$/, 'VM.Config.CPU'],
	[/^(memory|swap)$/, 'VM.Config.Memory'],
	[/^(net\d+|nameserver|searchdomain|hostname)$/, 'VM.Config.Network'],
	[/^(rootfs|mp\d+|unused\d+)$/, 'VM.Config.Disk'],
	[/./, 'VM.Config.Options']
];

export const configOperations: Operation[] = [
	{
		method: 'GET',
		path: '/nodes/:node/lxc/:vmid/config',
		rules: { current: flag, snapshot: text },
		run: (call) => {
			const container = containerOf(call, 'VM.Audit');
			if (call.input.snapshot) {
				const snapshot = container.snapshots.find((one) => one.name === call.input.snapshot);
				if (!snapshot) throw died(`snapshot '${call.input.snapshot}' does not exist`);
				return { ...snapshot.config, digest: digestOf(container) };
			}
			return { ...readable(container), digest: digestOf(container) };
		}
	},
	{
		method: 'PUT',
		path: '/nodes/:node/lxc/:vmid/config',
		rules: {
			...CONFIG_RULES,
			delete: text,
			revert: text,
			digest: { type: 'string', optional: true, maxLength: 64 }
		},
		run: setConfig
	},
	{
		method: 'GET',
		path: '/nodes/:node/lxc/:vmid/pending',
		run: (call) => {
			const container = containerOf(call, 'VM.Audit');
			const keys = new Set([...Object.keys(container.config), ...Object.keys(container.pending)]);
			return [...keys].sort().map((key) => {
				const change = container.pending[key];
				return {
					key,
					...(container.config[key] === undefined ? {} : { value: String(container.config[key]) }),
					...(change?.value === undefined ? {} : { pending: String(change.value) }),
					...(change?.delete ? { delete: 1 } : {})
				};
			});
		}
	},
	{
		method: 'PUT',
		path: '/nodes/:node/lxc/:vmid/resize',
		rules: {
			disk: { type: 'string', pattern: /^(rootfs|mp\d+)$/ },
			size: { type: 'string', pattern: /^\+?\d+(\.\d+)?[KMGT]?$/ },
			digest: text
		},
		run: resize
	},
	{
		method: 'GET',
		path: '/nodes/:node/lxc/:vmid/interfaces',
		run: (call) => {
			const container = containerOf(call, 'VM.Audit');
			if (container.status !== 'running') throw died(`CT ${container.vmid} not running`);
			return [loopback(), ...interfaces(container)];
		}
	}
];

/** What GET config shows: pending values are already there, as in the file's running view. */
function readable(container: ContainerState): Record<string, ConfigValue> {
	const config = { ...container.config };
	for (const [key, change] of Object.entries(container.pending)) {
		if (change.delete) delete config[key];
		else if (change.value !== undefined) config[key] = change.value;
	}
	return config;
}

function setConfig(call: ApiCall): null {
	const { cluster, caller, input } = call;
	const container = containerOf(call, ...new Set(PRIVILEGE.map(([, privilege]) => privilege)));
	const { delete: deletions, revert, digest, ...values } = input;
	const removed = (deletions ?? '').split(/[,; ]+/).filter(Boolean);
	const reverted = (revert ?? '').split(/[,; ]+/).filter(Boolean);
	if (Object.keys(values).length + removed.length + reverted.length === 0) {
		throw died('no options specified');
	}
	for (const key of [...Object.keys(values), ...removed]) {
		const privilege = PRIVILEGE.find(([pattern]) => pattern.test(key))![1];
		requireAny(cluster, caller, `/vms/${container.vmid}`, [privilege]);
	}
	if (values.features && !/^nesting=[01]$/.test(values.features)) {
		throw forbidden(
			`/vms/${container.vmid}`,
			'changing feature flags (except nesting) is only allowed for root@pam'
		);
	}
	if (removed.includes('lock') || values.lock !== undefined) {
		throw forbidden(`/vms/${container.vmid}`, 'only root@pam may change the lock');
	}
	for (const key of removed) {
		if (values[key] !== undefined)
			throw invalid({ delete: `you can't use '-${key}' and -delete ${key}' at the same time` });
		if (key === 'rootfs') throw invalid({ delete: 'unable to delete required option' });
	}
	if (digest !== undefined && digest !== digestOf(container)) {
		throw died('detected modified configuration - file changed by other user? Try again.');
	}
	checkUnlocked(container);
	for (const key of reverted) delete container.pending[key];
	for (const key of removed) apply(container, key, undefined);
	for (const [key, value] of Object.entries(values)) {
		if (key === 'rootfs') {
			// The read form written back changes nothing: only `resize` changes the size.
			continue;
		}
		const stored = /^net\d+$/.test(key)
			? netValue(cluster, value, container.config[key])
			: configValue(key, value);
		apply(container, key, stored);
	}
	cluster.changed();
	return null;
}

function apply(container: ContainerState, key: string, value: ConfigValue | undefined): void {
	if (container.status === 'running' && !HOT.test(key)) {
		container.pending[key] = value === undefined ? { delete: true } : { value };
		return;
	}
	delete container.pending[key];
	if (value === undefined) delete container.config[key];
	else container.config[key] = value;
}

function resize(call: ApiCall): string {
	const { cluster, caller, input } = call;
	const container = containerOf(call, 'VM.Config.Disk');
	requireAny(cluster, caller, `/storage/${rootStorage(container)}`, ['Datastore.AllocateSpace']);
	if (input.digest !== undefined && input.digest !== digestOf(container)) {
		throw died('detected modified configuration - file changed by other user? Try again.');
	}
	if (input.disk !== 'rootfs') throw died(`no such disk '${input.disk}'`);
	checkUnlocked(container);
	const match = /^(\+?)(\d+(?:\.\d+)?)([KMGT]?)$/.exec(input.size!)!;
	const unit = { K: 1024, M: 1024 ** 2, G: GIB, T: 1024 * GIB }[match[3]!] ?? 1;
	const before = rootBytes(container);
	const after = Math.ceil(Number(match[2]) * unit) + (match[1] ? before : 0);
	if (after < before) throw died(`unable to shrink disk size`);
	return cluster.tasks.start(container.node, 'resize', container.vmid, caller, async (work) => {
		if (after === before) return;
		checkSpace(cluster, rootStorage(container), container.node, 0);
		container.config.lock = 'disk';
		cluster.changed();
		work.onFailure(() => {
			delete container.config.lock;
			cluster.changed();
		});
		await work.wait(TASK_MS.resize);
		const gib = after / GIB;
		const size = Number.isInteger(gib) ? `${gib}G` : `${Math.ceil(after / 1024 ** 2)}M`;
		container.config.rootfs = String(container.config.rootfs).replace(/size=[^,]+/, `size=${size}`);
		delete container.config.lock;
		cluster.changed();
	});
}

function loopback(): Record<string, unknown> {
	return {
		name: 'lo',
		hwaddr: '00:00:00:00:00:00',
		'hardware-address': '00:00:00:00:00:00',
		inet: '127.0.0.1/8',
		'ip-addresses': [{ 'ip-address': '127.0.0.1', 'ip-address-type': 'inet', prefix: 8 }]
	};
}

function interfaces(container: ContainerState): Record<string, unknown>[] {
	const rows: Record<string, unknown>[] = [];
	for (const [key, value] of Object.entries(container.config)) {
		if (!/^net\d+$/.test(key)) continue;
		const { name, hwaddr, ip } = netOptions(value);
		const mac = (hwaddr ?? '').toLowerCase();
		// A DHCP lease is made up from the VMID, so that it stays the same.
		const address = ip && /^\d/.test(ip) ? ip : ip === 'dhcp' ? leaseOf(container) : null;
		rows.push({
			name,
			hwaddr: mac,
			'hardware-address': mac,
			...(address ? { inet: address } : {}),
			'ip-addresses': address
				? [
						{
							'ip-address': address.split('/')[0],
							'ip-address-type': 'inet',
							prefix: Number(address.split('/')[1])
						}
					]
				: []
		});
	}
	return rows;
}

function leaseOf(container: ContainerState): string {
	return `10.20.${200 + (Math.floor(container.vmid / 250) % 50)}.${(container.vmid % 250) + 2}/16`;
}

/** Address that the container answers at: its static one, or its lease. */
export function reachableAt(container: ContainerState): string | null {
	const fixed = addressOf(container);
	if (fixed) return fixed;
	return netOptions(container.config.net0).ip === 'dhcp' ? leaseOf(container).split('/')[0]! : null;
}
