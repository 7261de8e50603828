/* Numbers and times as people read them. Nothing here touches the document. */

const steps = [[1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB']];

/** 14149568 → "14.1 MB" */
export function bytes(n) {
	for (const [size, unit] of steps)
		if (n >= size)
			return `${(n / size).toFixed(n < 100 * size ? 1 : 0)} ${unit}`;
	return `${n} B`;
}

export const rate = (n) => `${bytes(Math.round(n))}/s`;

/** Milliseconds → "41 ms", "1.3 s", "2 min 5 s", "3 h 12 min" */
export function duration(ms) {
	if (ms < 1000)
		return `${Math.max(0, Math.round(ms))} ms`;
	if (ms < 59500)
		return `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`;
	const seconds = Math.round(ms / 1000), minutes = Math.floor(seconds / 60);
	const two = (n, unit, m, small) => m > 0 ? `${n} ${unit} ${m} ${small}` : `${n} ${unit}`;
	if (minutes < 60)
		return two(minutes, 'min', seconds % 60, 's');
	return two(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
}

/** How long ago, in one word or two. */
export function ago(ms) {
	const units = [[86400e3, 'd'], [3600e3, 'h'], [60e3, 'min'], [1e3, 's']];
	for (const [size, unit] of units)
		if (ms >= size)
			return `${Math.floor(ms / size)} ${unit}`;
	return 'now';
}

export const ms = (time) => time ? Date.parse(time) : NaN;

/** "10:31:07", with the day in front when it is not today. */
export function clock(time, now = Date.now()) {
	const at = new Date(time);
	if (Number.isNaN(at.getTime()))
		return '';
	const text = at.toLocaleTimeString([], {hour12: false});
	return new Date(now).toDateString() === at.toDateString() ? text :
		`${at.toLocaleDateString([], {day: 'numeric', month: 'short'})}, ${text}`;
}

/** "1 machine", "3 machines" */
export const count = (n, one, many = one + 's') => `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
