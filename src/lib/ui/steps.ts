/** One line of `StepList.svelte`. */
export interface StepRow {
	/** Unique within the list. */
	key: string;
	label: string;
	state: 'pending' | 'running' | 'done' | 'failed' | 'skipped' | 'undone';
}
