import { m } from '#i18n/paraglide/messages.js';
import type { PlanCard } from '#lib/plans/planCards.server.ts';
import { planInterval, planLines, planPrice } from '#lib/plans/planWords.ts';
import { setupStep } from '#lib/provisioning/customerWords.ts';
import type { SlowestSetups } from '#lib/provisioning/slowest.server.ts';
import type { SetupSpeed } from '#lib/provisioning/speed.server.ts';
import { duration, number } from '#lib/ui/format.ts';
import { headline } from './headline.ts';

/** What the landing page's words are made of. */
export interface LandingFacts {
	plans: PlanCard[];
	/** Null: no set-up was measured lately, and no figure is shown. */
	speed: SetupSpeed | null;
	/** What may be promised. */
	slowest: SlowestSetups;
	baseDomain: string;
	/** Where who wants a plan that is talked over writes to. */
	contact: string;
	maxWaitHours: number;
	/** BCP 47 */
	locale: string;
}

/**
 * The landing page in words. They are put together here and travel as data: as messages in its components they would be
 * in the scripts as well, in both languages, for a page whose first load is counted in kilobytes.
 */
export function landing(facts: LandingFacts) {
	const { speed, locale } = facts;
	// Until somebody has paid, what staff set up says how long it takes.
	const whole = speed && (speed.fromPayment ?? speed);
	const time = whole && duration(whole.seconds * 1000, locale);
	return {
		title: headline(facts.slowest, whole && whole.seconds, locale),
		description: m.landing_description(),
		lead: m.landing_lead(),
		median: time ? m.landing_median({ time }) : null,
		trust: [m.landing_trust_stripe(), m.landing_trust_monthly(), m.landing_trust_support()],
		speed: speed &&
			whole && {
				title: m.landing_card_title(),
				badge: m.landing_card_badge(),
				steps: speed.steps.map(({ name, seconds }) => ({
					label: setupStep(name),
					time: duration(seconds * 1000, locale)
				})),
				total: speed.fromPayment ? m.landing_card_total() : m.landing_card_total_setup(),
				time: duration(whole.seconds * 1000, locale),
				count: m.landing_card_count({ count: number(whole.count, locale) })
			},
		plansTitle: m.landing_plans_title(),
		plansLead: m.landing_plans_lead(),
		plans: facts.plans.map((plan) => planWords(plan, facts)),
		noPlans: m.plans_none(),
		howTitle: m.landing_how_title(),
		how: [
			{ title: m.landing_how_1_title(), text: m.landing_how_1_text() },
			{ title: m.landing_how_2_title(), text: m.landing_how_2_text() },
			{ title: m.landing_how_3_title(), text: m.landing_how_3_text() }
		],
		faqTitle: m.landing_faq_title(),
		faq: faq(time, facts),
		startTitle: m.landing_cta_title()
	};
}

export type Landing = ReturnType<typeof landing>;

function planWords(plan: PlanCard, { contact, locale }: LandingFacts) {
	const subject = encodeURIComponent(m.plans_talk_subject({ plan: plan.name }));
	return {
		key: plan.key,
		name: plan.name,
		mark: plan.highlighted ? m.plans_most_chosen() : null,
		price: plan.price && planPrice(plan.price, locale),
		interval: plan.price && planInterval(plan.price),
		lines: planLines(plan, locale),
		href: plan.purchasable ? `/signup?plan=${plan.key}` : `mailto:${contact}?subject=${subject}`,
		label: plan.purchasable ? m.plans_start({ plan: plan.name }) : m.plans_talk(),
		hint: plan.purchasable ? null : m.plans_talk_hint()
	};
}

function howLong(time: string, speed: SetupSpeed | null): string {
	return speed?.fromPayment
		? m.landing_faq_time_known({ time })
		: m.landing_faq_time_setup({ time });
}

function faq(time: string | null, { baseDomain, maxWaitHours, locale, speed }: LandingFacts) {
	return [
		{ q: m.landing_faq_what_q(), a: m.landing_faq_what_a({ domain: baseDomain }) },
		{
			q: m.landing_faq_time_q(),
			a: time ? howLong(time, speed) : m.landing_faq_time_unknown()
		},
		{ q: m.landing_faq_fail_q(), a: m.landing_faq_fail_a() },
		{
			q: m.landing_faq_full_q(),
			a: m.landing_faq_full_a({ hours: number(maxWaitHours, locale) })
		},
		{ q: m.landing_faq_shared_q(), a: m.landing_faq_shared_a() },
		{ q: m.landing_faq_change_q(), a: m.landing_faq_change_a() },
		{ q: m.landing_faq_card_q(), a: m.landing_faq_card_a() }
	];
}
