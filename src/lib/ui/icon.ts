import type { LucideProps } from '@lucide/svelte';
import type { Component } from 'svelte';

/** An icon component: `import Plus from '@lucide/svelte/icons/plus'`. */
export type Icon = Component<LucideProps>;
