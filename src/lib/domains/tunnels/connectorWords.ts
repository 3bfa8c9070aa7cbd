import { m } from '#i18n/paraglide/messages.js';
import type { Tone } from '#lib/ui/tone.ts';
import type { Trouble } from './connectorTrouble.ts';

const SENTENCES: Record<Trouble, () => string> = {
	no_host: m.tunnels_trouble_no_host,
	no_key: m.tunnels_trouble_no_key,
	other_tunnel: m.tunnels_trouble_other_tunnel,
	unreachable: m.tunnels_trouble_unreachable,
	untrusted: m.tunnels_trouble_untrusted,
	unauthorized: m.tunnels_trouble_unauthorized,
	timeout: m.tunnels_trouble_timeout,
	lost: m.tunnels_trouble_lost,
	not_here: m.tunnels_trouble_not_here,
	not_running: m.tunnels_trouble_not_running,
	not_installed: m.tunnels_trouble_not_installed,
	no_unit: m.tunnels_trouble_no_unit,
	no_config: m.tunnels_trouble_no_config,
	malformed: m.tunnels_trouble_malformed,
	refused: m.tunnels_trouble_refused,
	not_started: m.tunnels_trouble_not_started,
	down: m.tunnels_trouble_down,
	changed: m.tunnels_trouble_changed,
	failed: m.tunnels_trouble_failed
};

/** What stands between us and a tunnel's cloudflared, in a sentence. */
export function troubleSentence(trouble: Trouble): string {
	return SENTENCES[trouble]();
}

/** systemd's word for the service, as a person says it; what is new to us stays as it is. */
export function serviceState(state: string | null): { tone: Tone; label: string } {
	if (state === null) return { tone: 'neutral', label: m.tunnels_host_state_unknown() };
	if (state === 'active') return { tone: 'success', label: m.tunnels_host_state_active() };
	if (state === 'failed') return { tone: 'danger', label: m.tunnels_host_state_failed() };
	if (state === 'inactive') return { tone: 'warning', label: m.tunnels_host_state_inactive() };
	if (/^(de)?activating$|^reloading$/.test(state))
		return { tone: 'warning', label: m.tunnels_host_state_changing() };
	return { tone: 'neutral', label: state };
}
