/** What is known of a domain that somebody is typing. */
export type DomainCheckState = 'unknown' | 'checking' | 'usable' | 'refused' | 'unreachable';

interface Answer {
	domain: string;
	unicode: string;
	available: boolean;
	sentence: string | null;
	apex: boolean;
	sibling: string | null;
}

const QUIET_MS = 350;

/**
 * Asks the server while somebody types whether a name can be added; the last answer wins. The form asks again when it is
 * sent, so that this is a courtesy and never the decision.
 */
export class DomainCheck {
	state = $state<DomainCheckState>('unknown');
	/** Null until the server has said something of what stands there now. */
	answer = $state<Answer | null>(null);
	#timer: ReturnType<typeof setTimeout> | undefined;
	#asked = '';

	/** To be called at each change of the field. */
	ask(typed: string): void {
		const name = typed.trim();
		if (name === this.#asked) return;
		this.#asked = name;
		clearTimeout(this.#timer);
		this.answer = null;
		// Nobody has finished typing a domain that has no dot between two letters.
		if (!/[^.\s/]\.[^.\s/]/.test(name)) {
			this.state = 'unknown';
			return;
		}
		this.state = 'checking';
		this.#timer = setTimeout(() => void this.#look(name), QUIET_MS);
	}

	async #look(name: string): Promise<void> {
		let answer: Answer | null = null;
		try {
			const response = await fetch(`/api/domains/check/${encodeURIComponent(name)}`);
			const body = await response.json();
			if (body.success) answer = body.data;
		} catch {
			// Offline: what is typed stays, and the form says what is wrong when it is sent.
		}
		if (name !== this.#asked) return;
		this.answer = answer;
		this.state = answer === null ? 'unreachable' : answer.available ? 'usable' : 'refused';
	}
}
