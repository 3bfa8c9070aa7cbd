import { AppError } from '#lib/core/errors.ts';
import { VendorError, type VendorErrorDetails } from '../errors.ts';

/**
 * What went wrong, in the words that callers decide by.
 * `locked`: another task holds the container · `exists`: the VMID is taken · `not_found`: no such container, node or volume ·
 * `node_unreachable`: the API answered, the node behind it did not (595) · `untrusted`: not the pinned certificate ·
 * `unreachable`: nothing was sent · `lost`: sent, no answer · `malformed`: an answer that is not the API's ·
 * `no_quorum`: the cluster has no majority, and nobody may change anything of it until it has one again ·
 * `refused`: Proxmox said no, for the reason in the message · `task_failed`, `task_running`: how waiting for a task ended.
 */
export type ProxmoxErrorKind =
	| 'exists'
	| 'forbidden'
	| 'invalid'
	| 'locked'
	| 'lost'
	| 'malformed'
	| 'no_quorum'
	| 'node_unreachable'
	| 'not_found'
	| 'refused'
	| 'task_failed'
	| 'task_running'
	| 'unauthorized'
	| 'unreachable'
	| 'untrusted'
	| 'vendor';

export interface ProxmoxErrorDetails extends Omit<VendorErrorDetails, 'vendor'> {
	kind: ProxmoxErrorKind;
	/** Text per refused parameter. */
	fields?: Record<string, string>;
	/** The task that the error is about. */
	upid?: string | null;
}

export class ProxmoxError extends VendorError {
	readonly kind: ProxmoxErrorKind;
	readonly fields: Record<string, string>;
	readonly upid: string | null;

	constructor(details: ProxmoxErrorDetails) {
		super({ ...details, vendor: 'proxmox' });
		this.name = 'ProxmoxError';
		this.kind = details.kind;
		this.fields = details.fields ?? {};
		this.upid = details.upid ?? null;
	}

	/** Another task holds the container or its source: the same call works once that one ends. */
	get locked(): boolean {
		return this.kind === 'locked';
	}

	override get refusal(): AppError {
		return this.kind === 'no_quorum'
			? new AppError('NO_QUORUM', { detail: this.message, cause: this })
			: super.refusal;
	}
}

/** Without a majority a cluster's configuration is read-only: "cluster not ready - no quorum?", "cfs-lock … no quorum!". */
const NO_QUORUM = /no quorum|'\/etc\/pve\/[^']*' - Permission denied/i;

/** Meaning of a `die` text: Proxmox gives no codes. */
export function kindOfText(text: string): ProxmoxErrorKind {
	if (NO_QUORUM.test(text)) return 'no_quorum';
	// "CT is locked (disk)", and a lock file that another worker holds too long.
	if (/is locked|can't lock file/i.test(text)) return 'locked';
	if (/already (exists|defined)/i.test(text)) return 'exists';
	if (
		/does not exist|no such (task|volume|token|disk|resource|replication job|ha rule)/i.test(
			text
		) ||
		/not HA managed|hostname lookup .* failed/i.test(text)
	)
		return 'not_found';
	return 'refused';
}
