/** Tag of every container that we made. */
export const TAG = 'erpcore';

/** Tags as Proxmox writes them. */
export function tagsOf(text = ''): string[] {
	return text.split(/[;, ]+/).filter(Boolean);
}

export interface Mark {
	/** Saga run that made it. */
	jobId: string;
	/** Its row in lxc_containers. */
	containerId: string;
}

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const MARK = new RegExp(`erpcore run (${UUID}) container (${UUID})`);

/** What a container's description says from its very first moment, so that it can be told from everybody else's. */
export function writeMark({ jobId, containerId }: Mark): string {
	return `erpcore run ${jobId} container ${containerId}`;
}

/** The mark in a description; null when we did not make the container. */
export function readMark(description: unknown): Mark | null {
	const match = typeof description === 'string' ? MARK.exec(description) : null;
	return match ? { jobId: match[1]!, containerId: match[2]! } : null;
}
