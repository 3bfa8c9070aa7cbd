import { m } from '#i18n/paraglide/messages.js';
import { isErrorCode, sentenceOf } from '#lib/core/errors.ts';
import type { Tone } from '#lib/ui/tone.ts';
import type { TemplateKind, TemplateStatus } from '#prisma/generated/enums.ts';

const STATUSES: Record<TemplateStatus, { label: () => string; tone: Tone; pulse?: boolean }> = {
	building: { label: m.template_status_building, tone: 'info', pulse: true },
	ready: { label: m.template_status_ready, tone: 'success' },
	failed: { label: m.template_status_failed, tone: 'danger' },
	retired: { label: m.template_status_retired, tone: 'neutral' },
	deleted: { label: m.template_status_deleted, tone: 'neutral' }
};

/** A template's state for Badge. */
export function templateStatus(status: TemplateStatus): {
	label: string;
	tone: Tone;
	pulse?: boolean;
} {
	const { label, ...look } = STATUSES[status];
	return { ...look, label: label() };
}

export const TEMPLATE_STATUSES = Object.keys(STATUSES).filter(isTemplateStatus);

export function isTemplateStatus(status: string): status is TemplateStatus {
	return Object.hasOwn(STATUSES, status);
}

const KINDS: Record<TemplateKind, () => string> = {
	all_in_one: m.template_kind_all_in_one,
	odoo_only: m.template_kind_odoo_only
};

export function templateKind(kind: TemplateKind): string {
	return KINDS[kind]();
}

const STEPS: Record<string, () => string> = {
	create: m.template_step_create,
	start: m.template_step_start,
	base: m.template_step_base,
	locale: m.template_step_locale,
	user: m.template_step_user,
	postgresql: m.template_step_postgresql,
	role: m.template_step_role,
	wkhtmltopdf: m.template_step_wkhtmltopdf,
	sources: m.template_step_sources,
	python: m.template_step_python,
	config: m.template_step_config,
	service: m.template_step_service,
	nginx: m.template_step_nginx,
	databases: m.template_step_databases,
	verify: m.template_step_verify,
	clean: m.template_step_clean,
	convert: m.template_step_convert,
	register: m.template_step_register
};

/** A step of a build, as it is called. */
export function buildStep(name: string): string {
	return STEPS[name]?.() ?? name;
}

const MESSAGES: Record<string, (values: { node: string; vmid: string }) => string> = {
	created: (values) => m.template_said_created(values),
	started: () => m.template_said_started(),
	converted: ({ vmid }) => m.template_said_converted({ vmid }),
	being_created: () => m.template_said_being_created(),
	task_running: () => m.template_said_task_running(),
	node_offline: ({ node }) => m.template_said_node_offline({ node }),
	no_quorum: () => m.step_no_quorum(),
	booting: () => m.template_said_booting()
};

/** What a step did or waits for; null when it said nothing. */
export function buildSentence(message: unknown): string | null {
	if (typeof message !== 'object' || message === null || !('code' in message)) return null;
	const values = 'params' in message ? message.params : null;
	const value = (name: string) =>
		typeof values === 'object' && values !== null
			? String(Object.entries(values).find(([key]) => key === name)?.[1] ?? '—')
			: '—';
	return MESSAGES[String(message.code)]?.({ node: value('node'), vmid: value('vmid') }) ?? null;
}

/** Why a step failed, and the same in the words of the machine. */
export function buildError({
	errorCode,
	errorParams,
	error
}: {
	errorCode: string | null;
	errorParams: unknown;
	error: string | null;
}): { sentence: string; technical: string | null } | null {
	if (!errorCode && !error) return null;
	const vendor =
		typeof errorParams === 'object' && errorParams !== null && 'vendor' in errorParams
			? String(errorParams.vendor)
			: '';
	if (vendor === 'setup_odoo_lxc') return { sentence: m.template_step_failed(), technical: error };
	const isNamed = errorCode !== null && errorCode !== 'INTERNAL' && isErrorCode(errorCode);
	return {
		sentence: isNamed ? sentenceOf(errorCode, { vendor }) : m.step_error_unforeseen(),
		technical: error === errorCode ? null : error
	};
}

interface FailedStep {
	status: string;
	errorCode: string | null;
	errorParams: unknown;
	error: string | null;
}

/** What is wrong with a template that is not being built: its build failed, or Proxmox did not let it go. */
export function templateTrouble(
	{ status, error }: { status: TemplateStatus; error: string | null },
	steps: FailedStep[]
): { sentence: string; technical: string | null } | null {
	if (error === null || status === 'building') return null;
	if (status !== 'failed') return { sentence: m.template_not_removed(), technical: error };
	const failed = steps.find((step) => step.status === 'failed');
	return (
		(failed && buildError(failed)) ?? { sentence: m.step_error_unforeseen(), technical: error }
	);
}
