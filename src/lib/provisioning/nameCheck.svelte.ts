/** What is known of a name that somebody is typing. */
export type NameState = 'unknown' | 'checking' | 'free' | 'refused' | 'unreachable';

const QUIET_MS = 350;
/** Nobody has finished typing yet. */
const SHORTEST = 3;

/**
 * Asks the server while somebody types whether a name is free; the last answer wins. The form asks again when it is
 * sent, so that this is a courtesy and never the decision.
 */
export class NameCheck {
	state = $state<NameState>('unknown');
	/** Why not, in the person's language. */
	sentence = $state<string | null>(null);
	#timer: ReturnType<typeof setTimeout> | undefined;
	#asked = '';

	/** To be called at each change of the field. */
	ask(typed: string): void {
		const name = typed.trim().toLowerCase();
		if (name === this.#asked) return;
		this.#asked = name;
		clearTimeout(this.#timer);
		this.sentence = null;
		if (name.length < SHORTEST) {
			this.state = 'unknown';
			return;
		}
		this.state = 'checking';
		this.#timer = setTimeout(() => void this.#look(name), QUIET_MS);
	}

	async #look(name: string): Promise<void> {
		let answer: { available: boolean; detail: string | null } | null = null;
		try {
			const response = await fetch(`/api/signup/name?subdomain=${encodeURIComponent(name)}`);
			const body = await response.json();
			if (body.success) answer = body.data;
		} catch {
			// Offline: what is typed stays, and the form says what is wrong when it is sent.
		}
		if (name !== this.#asked) return;
		this.state = answer === null ? 'unreachable' : answer.available ? 'free' : 'refused';
		this.sentence = answer?.detail ?? null;
	}
}
