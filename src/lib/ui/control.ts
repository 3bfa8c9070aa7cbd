/** The look that every control shares. Phones get 16 px text, or iOS zooms into the field. */
export const controlClass =
	'w-full min-w-0 rounded-control border border-control bg-card px-3 text-base text-fg h-9 ' +
	'touch:h-11 touch:text-md transition-colors ' +
	'hover:border-muted focus-visible:outline-2 focus-visible:outline-offset-0 ' +
	'aria-invalid:border-danger disabled:bg-highlight disabled:text-muted [&[readonly]]:bg-highlight';
