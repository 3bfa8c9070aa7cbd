import { m } from '#i18n/paraglide/messages.js';
import { number } from '#lib/ui/format.ts';

const STEPS: Record<string, () => string> = {
	place: m.setup_step_place,
	container: m.setup_step_container,
	database: m.setup_step_database,
	dns: m.setup_step_dns,
	ingress: m.setup_step_ingress,
	verify: m.setup_step_verify,
	activate: m.setup_step_activate
};

/** A step of the set-up as visitors and customers read it; words.ts has the shorter ones of staff. */
export function setupStep(name: string): string {
	return STEPS[name]?.() ?? name;
}

/** How many paid before, in words: nobody likes to read "0 set-ups". */
export function waitingSentence(ahead: number, locale: string): string {
	if (ahead === 0) return m.success_waiting_next();
	return ahead === 1
		? m.success_waiting_one()
		: m.success_waiting_many({ count: number(ahead, locale) });
}
