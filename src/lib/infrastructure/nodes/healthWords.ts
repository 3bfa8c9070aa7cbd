import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type { Health, HealthPart, PartState, Problem, StorageFault } from './health.ts';

type Locale = 'es' | 'en';
type Options = { locale?: Locale };
type Words = (values: Record<string, never>, options: Options) => string;

const PARTS: Record<HealthPart, Words> = {
	api: m.node_part_api,
	ssh: m.node_part_ssh,
	storage: m.node_part_storage,
	clock: m.node_part_clock,
	version: m.node_part_version,
	privileges: m.node_part_privileges,
	cluster: m.node_part_cluster
};

const STATES: Record<PartState, { label: () => string; tone: Tone }> = {
	ok: { label: m.node_health_ok, tone: 'success' },
	warning: { label: m.node_health_warning, tone: 'warning' },
	error: { label: m.node_health_error, tone: 'danger' },
	unknown: { label: m.node_health_unknown, tone: 'neutral' }
};

export function partLabel(part: HealthPart, options: Options = {}): string {
	return PARTS[part]({}, options);
}

/** How a part is, for Badge. */
export function partState(state: PartState): { label: string; tone: Tone } {
	return { label: STATES[state].label(), tone: STATES[state].tone };
}

/** What the last look saw of a part, in a sentence. */
export function partFact(part: HealthPart, health: Health, options: Options = {}): string {
	switch (part) {
		case 'api':
		case 'ssh':
			return connectionFact(health[part], options);
		case 'storage':
			return storageFact(health.storage, options);
		case 'clock':
			return clockFact(health.clock.skewMs, options);
		case 'version':
			return versionFact(health.version, options);
		case 'privileges':
			return privilegesFact(health.privileges, options);
		case 'cluster':
			return clusterFact(health.cluster, options);
	}
}

/** What to do about a part that is not well; null where there is nothing to do. */
export function partAdvice(part: HealthPart, health: Health): string | null {
	const { state } = health[part];
	if (state === 'ok' || state === 'unknown') return null;
	switch (part) {
		case 'api':
			return apiAdvice(health.api.kind);
		case 'ssh':
			return sshAdvice(health.ssh.kind);
		case 'storage':
			return m.node_storage_do();
		case 'clock':
			return m.node_clock_do();
		case 'version':
			return m.node_version_do();
		case 'privileges':
			return m.node_privileges_do();
		case 'cluster':
			return m.node_cluster_do();
	}
}

/** Something that is wrong with a node, for an alert: "Reloj: adelantado 75 s." */
export function problemSentence({ key }: Problem, health: Health, locale: Locale): string {
	const options = { locale };
	const fault = health.storage.faults.find(({ storage }) => key === `storage:${storage}`);
	if (fault) return faultFact(fault, options);
	const part = partOf(key);
	return part ? `${partLabel(part, options)}: ${partFact(part, health, options)}` : '';
}

function partOf(key: string): HealthPart | null {
	if (key.startsWith('storage:')) return 'storage';
	return Object.keys(PARTS).find((part): part is HealthPart => part === key) ?? null;
}

function connectionFact({ ms, kind, error }: Health['api'], options: Options): string {
	if (ms !== null) return m.node_answers({ ms: String(ms) }, options);
	switch (kind) {
		case 'unreachable':
			return m.node_link_unreachable({}, options);
		case 'untrusted':
			return m.node_link_untrusted({}, options);
		case 'lost':
		case 'timeout':
			return m.node_link_late({}, options);
		case 'unauthorized':
			return m.node_link_unauthorized({}, options);
		case 'no_key':
			return m.node_ssh_no_key({}, options);
		case 'no_token':
			return m.node_link_no_token({}, options);
		case 'internal':
			return m.node_link_internal({ error: error ?? '' }, options);
		default:
			return m.node_link_failed({ error: error ?? '' }, options);
	}
}

function apiAdvice(kind: string | null): string {
	switch (kind) {
		case 'unreachable':
			return m.node_api_do_unreachable();
		case 'untrusted':
			return m.node_api_do_untrusted();
		case 'lost':
			return m.node_api_do_late();
		case 'unauthorized':
			return m.node_api_do_unauthorized();
		case 'no_token':
			return m.node_api_do_no_token();
		default:
			return m.node_api_do_failed();
	}
}

function sshAdvice(kind: string | null): string {
	switch (kind) {
		case 'unreachable':
			return m.node_ssh_do_unreachable();
		case 'untrusted':
			return m.node_ssh_do_untrusted();
		case 'unauthorized':
			return m.node_ssh_do_unauthorized();
		case 'command':
			return m.node_ssh_do_command();
		default:
			return m.node_ssh_do_late();
	}
}

function storageFact({ state, faults }: Health['storage'], options: Options): string {
	if (state === 'unknown') return m.node_storage_unknown({}, options);
	if (faults.length === 0) return m.node_storage_ok({}, options);
	return faults.map((fault) => faultFact(fault, options)).join(' ');
}

function faultFact({ storage, code, used }: StorageFault, options: Options): string {
	const percent = `${Math.round((used ?? 0) * 100)} %`;
	switch (code) {
		case 'inactive':
			return m.node_storage_inactive({ storage }, options);
		case 'missing':
			return m.node_storage_missing({ storage }, options);
		case 'filling':
			return m.node_storage_filling({ storage, percent }, options);
		case 'full':
			return m.node_storage_full({ storage, percent }, options);
	}
}

function clockFact(skewMs: number | null, options: Options): string {
	if (skewMs === null) return m.node_clock_unknown({}, options);
	// It tells whole seconds, so that less than one and a half says nothing.
	const seconds = Math.round(Math.abs(skewMs) / 1000);
	if (seconds < 2) return m.node_clock_exact({}, options);
	const said = { seconds: String(seconds) };
	return skewMs > 0 ? m.node_clock_ahead(said, options) : m.node_clock_behind(said, options);
}

function versionFact({ state, version }: Health['version'], options: Options): string {
	if (!version) return m.node_version_unknown({}, options);
	return state === 'warning'
		? m.node_version_old({ version }, options)
		: m.node_version_is({ version }, options);
}

function privilegesFact({ state, missing }: Health['privileges'], options: Options): string {
	if (state === 'unknown') return m.node_privileges_unknown({}, options);
	if (missing.length === 0) return m.node_privileges_all({}, options);
	const names = missing.map(({ name, path }) => `${name} (${path})`).join(', ');
	return m.node_privileges_lacks({ names }, options);
}

function clusterFact(cluster: Health['cluster'], options: Options): string {
	const { quorate, members } = cluster;
	if (members === 1) return m.node_cluster_alone({}, options);
	if (quorate === null || members === null) return m.node_cluster_unknown({}, options);
	const said = { online: String(cluster.online ?? 0), members: String(members) };
	return quorate ? m.node_cluster_quorate(said, options) : m.node_cluster_no_quorum(said, options);
}
