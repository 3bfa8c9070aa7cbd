import type {
	AlertSeverity,
	EmailStatus,
	MovementKind,
	SagaStatus
} from '#prisma/generated/enums.ts';

/** What a timeline can be narrowed down to. */
export const TIMELINE_KINDS = ['state', 'runs', 'billing', 'mails', 'alerts', 'audit'] as const;
export type TimelineKind = (typeof TIMELINE_KINDS)[number];

export function isTimelineKind(name: string): name is TimelineKind {
	return TIMELINE_KINDS.some((kind) => kind === name);
}

interface Money {
	/** Minor units. */
	amount: number;
	currency: string;
}

/** What each sort of entry carries beside its moment. */
export interface TimelineData {
	/** An audit entry; of kind `state` or `billing` where it says so. */
	act: {
		action: string;
		actor: string;
		actorKind: string;
		before: Record<string, unknown> | null;
		after: Record<string, unknown> | null;
	};
	'run.started': { run: string; saga: string };
	'run.ended': { run: string; saga: string; status: SagaStatus };
	'step.failed': {
		run: string;
		step: string;
		errorCode: string | null;
		errorParams: Record<string, unknown> | null;
		error: string | null;
	};
	'invoice.issued': Money & { number: string | null; status: string };
	'invoice.paid': Money & { number: string | null };
	'payment.failed': Money & { number: string | null; message: string | null };
	refund: Money & { status: string; failure: string | null };
	mail: { template: string; subject: string; to: string; status: EmailStatus };
	movement: Money & { kind: MovementKind; plan: string };
	'alert.opened': { rule: string; data: unknown; severity: AlertSeverity };
	'alert.closed': { rule: string; data: unknown };
}

export type TimelineEntry = {
	[What in keyof TimelineData]: {
		/** Of the entry in every timeline: what it is and the row that it was made of. */
		id: string;
		at: Date;
		kind: TimelineKind;
		what: What;
		data: TimelineData[What];
	};
}[keyof TimelineData];
