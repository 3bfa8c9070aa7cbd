import { z } from 'zod';
import '#lib/core/validation.ts';
import { tickbox } from '#lib/core/tickbox.ts';
import { m } from '#i18n/paraglide/messages.js';
import { AlertSeverity } from '#prisma/generated/enums.ts';

/** By which ways an alert is told. */
export const ALERT_CHANNELS = ['web', 'mail', 'webhook'] as const;
export type AlertChannel = (typeof ALERT_CHANNELS)[number];

const MOST = 1_000_000;
/** As people write it: a comma is a point in half of the world. */
const written = (text: unknown) =>
	typeof text === 'string' ? text.trim().replace(',', '.') : text;
const amount = z.preprocess(written, z.coerce.number().min(0).max(MOST));
const maybeAmount = z.preprocess(
	(given) => (written(given) === '' || given === undefined ? null : written(given)),
	z.coerce.number().min(0).max(MOST).nullable()
);

const terms = {
	/** In the metric's unit; empty where the metric is yes or no. */
	threshold: maybeAmount,
	/** Samples in a row that must be past it. */
	samples: z.coerce.number().int().min(1).max(50).default(1),
	hysteresis: z.preprocess(
		(given) => (written(given) === '' ? 0 : written(given)),
		amount.default(0)
	),
	severity: z.enum(AlertSeverity),
	critical_at: maybeAmount
};

/** What decides whether a rule says something: enough to try it. */
export const ruleTermsForm = z.object(terms).transform(({ critical_at, ...rest }) => ({
	...rest,
	criticalAt: critical_at
}));

const channelList = (given: Record<AlertChannel, boolean>) =>
	ALERT_CHANNELS.filter((name) => given[name]);

/** A rule as it is typed. */
export const ruleForm = z
	.object({
		...terms,
		enabled: tickbox,
		channel_web: tickbox,
		channel_mail: tickbox,
		channel_webhook: tickbox
	})
	.transform(({ critical_at, channel_web, channel_mail, channel_webhook, ...rest }) => ({
		...rest,
		criticalAt: critical_at,
		channels: channelList({ web: channel_web, mail: channel_mail, webhook: channel_webhook })
	}));

/** A rule as the API takes it. */
export const ruleBody = z
	.object({
		...terms,
		enabled: z.boolean().default(true),
		channels: z.array(z.enum(ALERT_CHANNELS)).max(3)
	})
	.transform(({ critical_at, channels, ...rest }) => ({
		...rest,
		criticalAt: critical_at,
		channels: ALERT_CHANNELS.filter((name) => channels.includes(name))
	}));

export type RuleTerms = z.output<typeof ruleTermsForm>;
export type RuleInput = z.output<typeof ruleForm>;

export const newRuleMetric = z.object({
	metric: z
		.string()
		.max(100)
		.min(1, { error: () => m.alert_rule_metric_missing() })
});
