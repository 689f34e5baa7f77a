// Light or dark: what the reader chose here, or what the system says.
import { Kept } from './kept';

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

export class ThemeChoice {
	private readonly dark = matchMedia('(prefers-color-scheme: dark)');
	private readonly kept = new Kept(() => localStorage, 'ofad-theme');
	private choice: Theme;

	constructor() {
		this.choice = THEMES.find((theme) => theme === this.kept.value) ?? 'auto';
		this.dark.addEventListener('change', () => this.apply());
		this.apply();
	}

	get theme(): Theme {
		return this.choice;
	}

	set theme(theme: Theme) {
		this.choice = theme;
		this.kept.value = theme;
		this.apply();
	}

	private apply(): void {
		const theme = this.choice === 'auto' ? (this.dark.matches ? 'dark' : 'light') : this.choice;
		document.documentElement.dataset['theme'] = theme;
	}
}

// What is drawn on a canvas is drawn again when the theme changes.  Returns what stops it.
export function onTheme(redraw: () => void): () => void {
	const observer = new MutationObserver(redraw);
	observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
	return () => observer.disconnect();
}

// The colour that a token of style/tokens.css has now.
export function colour(token: string): string {
	return getComputedStyle(document.documentElement).getPropertyValue(`--${token}`).trim();
}
