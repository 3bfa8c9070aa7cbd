/**
 * Where a floating panel belongs: in the dialog that holds its trigger, else in the page's main part. In the body it
 * would lie under dialogs and outside every landmark.
 */
export function portalTarget(trigger: HTMLElement | null): Element | string {
	return (
		trigger?.closest('[role="dialog"]') ?? trigger?.ownerDocument.querySelector('main') ?? 'body'
	);
}
