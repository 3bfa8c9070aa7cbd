import { m } from '#i18n/paraglide/messages.js';
import { inLanguage, text, type Language, type Values } from './sentenceParts.ts';

/** Why something failed or was turned back, kept in both languages. */
function whyOf(v: Values, options: Language): string {
	return text(inLanguage(options, v.why_es, v.why_en));
}

/** What is said of moves of containers and of instances, and of plans that mean one. */
export const MOVE_SENTENCES: Record<string, (values: Values, options: Language) => string> = {
	'provisioning.move-failed': (v, options) =>
		m.notification_provisioning_move_failed(
			{
				...{ hostname: text(v.hostname), vmid: text(v.vmid) },
				why: whyOf(v, options)
			},
			options
		),
	tenant_move_planned: (v, options) =>
		m.notification_tenant_move_planned(
			{
				...{ slug: text(v.slug), minutes: text(v.minutes) },
				at: text(inLanguage(options, v.at_es, v.at_en))
			},
			options
		),
	tenant_move_called_off: (v, options) =>
		m.notification_tenant_move_called_off(
			{ slug: text(v.slug), at: text(inLanguage(options, v.at_es, v.at_en)) },
			options
		),
	tenant_moved: (v, options) =>
		m.notification_tenant_moved({ slug: text(v.slug), seconds: text(v.seconds) }, options),
	tenant_move_turned_back: (v, options) =>
		m.notification_tenant_move_turned_back({ slug: text(v.slug) }, options),
	tenant_move_turned_back_staff: (v, options) =>
		m.notification_tenant_move_turned_back_staff(
			{ slug: text(v.slug), why: whyOf(v, options) },
			options
		),
	'provisioning.tenant-move-failed': (v, options) =>
		m.notification_tenant_move_failed({ slug: text(v.slug), message: whyOf(v, options) }, options),
	'provisioning.move-left-behind': (v, options) =>
		m.notification_tenant_move_left({ slug: text(v.slug), message: whyOf(v, options) }, options),
	'provisioning.plan-is-a-move': (v, options) =>
		m.notification_provisioning_plan_is_a_move(
			{
				...{ slug: text(v.slug), plan: text(v.plan) },
				reason: text(inLanguage(options, v.reason_es, v.reason_en))
			},
			options
		),
	'provisioning.plan-move-failed': (v, options) => {
		const values = { slug: text(v.slug), plan: text(v.plan), hours: text(v.hours) };
		return v.hours === undefined
			? m.notification_provisioning_plan_move_failed_unpaid(values, options)
			: m.notification_provisioning_plan_move_failed(values, options);
	},
	plan_move_turned_back: (v, options) =>
		m.notification_plan_move_turned_back(
			{ slug: text(v.slug), plan: text(v.plan), hours: text(v.hours) },
			options
		),
	plan_move_waits: (v, options) =>
		m.notification_plan_move_waits({ slug: text(v.slug), plan: text(v.plan) }, options),
	plan_move_given_back: (v, options) =>
		m.notification_plan_move_given_back(
			{ slug: text(v.slug), plan: text(v.plan), credit: text(v.credit) },
			options
		),
	plan_wanted_no_room: (v, options) =>
		m.notification_plan_wanted_no_room({ slug: text(v.slug), plan: text(v.plan) }, options),
	'provisioning.plan-has-no-room': (v, options) =>
		m.notification_provisioning_plan_has_no_room(
			{ slug: text(v.slug), plan: text(v.plan) },
			options
		)
};
