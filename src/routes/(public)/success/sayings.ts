import { m } from '#i18n/paraglide/messages.js';
import { waitingSentence } from '#lib/provisioning/customerWords.ts';
import { duration, number } from '#lib/ui/format.ts';
import type { PageData } from './$types';

interface Action {
	href: string;
	label: string;
	/** The one thing to do. */
	main?: boolean;
	/** Leads to the customer's ERP. */
	outside?: boolean;
	/** Answers with a redirect of its own. */
	reload?: boolean;
}

export interface Saying {
	kind: string;
	title: string;
	text: string;
	more?: string;
	actions: Action[];
}

/** After these nothing changes by itself any more. */
export const ENDED = new Set(['unknown', 'ready', 'expired', 'refunded', 'suspended', 'gone']);

const portal = (): Action => ({ href: '/tenant/portal', label: m.success_open_portal() });

/** What a person reads of a signup: where it stands, what comes next, what to do. */
export function sayings(data: PageData, locale: string): Saying {
	const { status, progress, signup } = data;
	if (status === null)
		return say('unknown', m.success_unknown_title(), m.success_unknown_text(), [portal()]);
	// Stripe leads back here only when Checkout is complete; its own word is on the way.
	if (status === 'open' && data.cameFromStripe)
		return say('confirming', m.success_confirming_title(), m.success_confirming_text());
	if (status === 'open') {
		const ways = [
			{ href: '/signup/continue', label: m.success_open_pay(), main: true, reload: true },
			{ href: '/signup', label: m.success_open_edit() }
		];
		return say('open', m.success_open_title(), m.success_open_text(), signup ? ways : []);
	}
	if (status === 'processing')
		return say('processing', m.success_processing_title(), m.success_processing_text());
	if (status === 'expired') {
		const again = { href: '/signup', label: m.success_restart(), main: true };
		return say('expired', m.success_expired_title(), m.success_expired_text(), [again]);
	}
	if (status === 'refunding')
		return say('refunding', m.success_refunding_title(), m.success_refunding_text());
	if (status === 'refunded')
		return say('refunded', m.success_refunded_title(), m.success_refunded_text());
	if (progress) return ofTenant(data, progress, locale);
	return status === 'completed'
		? say('ready', m.success_ready_title(), m.success_completed_text(), [portal()])
		: say('paid', m.success_paid_title(), m.success_paid_text());
}

type Progress = NonNullable<PageData['progress']>;

function ofTenant(data: PageData, progress: Progress, locale: string): Saying {
	switch (progress.status) {
		case 'active':
		case 'degraded':
		case 'migrating':
			return {
				...say(
					'ready',
					m.success_ready_title(),
					m.success_ready_text({ email: data.signup?.email ?? '' }),
					[{ href: progress.url, label: m.success_open_erp(), main: true, outside: true }, portal()]
				),
				more: took(progress, locale)
			};
		case 'waiting_capacity':
			return {
				...say('waiting', m.success_waiting_title(), waitingSentence(progress.ahead ?? 0, locale)),
				more: m.success_waiting_limit({ hours: number(data.maxWaitHours, locale) })
			};
		case 'failed':
			return say('failed', m.success_failed_title(), m.success_failed_text());
		case 'refunded':
			return say('refunding', m.success_refunding_title(), m.success_refunding_text());
		case 'suspended':
			return say('suspended', m.success_suspended_title(), m.success_unknown_text(), [portal()]);
		case 'deleting':
		case 'deleted':
			return say('gone', m.success_gone_title(), m.success_gone_text(), [portal()]);
		default:
			return progress.startedAt
				? say('running', m.success_running_title(), m.success_running_text())
				: say('paid', m.success_paid_title(), m.success_paid_text());
	}
}

function took({ startedAt, finishedAt }: Progress, locale: string): string | undefined {
	if (!startedAt || !finishedAt) return undefined;
	return m.success_ready_took({
		time: duration(finishedAt.getTime() - startedAt.getTime(), locale)
	});
}

function say(kind: string, title: string, text: string, actions: Action[] = []): Saying {
	return { kind, title, text, actions };
}
