/** What a state means; the colour follows the theme, and a word or icon always stands beside it. */
export type Tone = 'success' | 'warning' | 'danger' | 'info' | 'neutral' | 'accent';

export const toneText: Record<Tone, string> = {
	success: 'text-success',
	warning: 'text-warning',
	danger: 'text-danger',
	info: 'text-info',
	neutral: 'text-muted',
	accent: 'text-accent-ink'
};

export const toneFill: Record<Tone, string> = {
	success: 'bg-success',
	warning: 'bg-warning',
	danger: 'bg-danger',
	info: 'bg-info',
	neutral: 'bg-muted',
	accent: 'bg-accent-ink'
};

export const toneSoft: Record<Tone, string> = {
	success: 'border-success/40 bg-success/8',
	warning: 'border-warning/40 bg-warning/8',
	danger: 'border-danger/40 bg-danger/8',
	info: 'border-info/40 bg-info/8',
	neutral: 'border-line bg-highlight',
	accent: 'border-accent-ink/40 bg-accent-ink/8'
};
