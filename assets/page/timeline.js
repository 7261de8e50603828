/*
 * The story of one boot as a line of steps: as long as each took, with its events below
 * when it is chosen (the tabs pattern of ARIA: arrows move, what has focus is shown).
 */
import {clock, duration, ms} from './format.js';
import {el, setAttribute, setText} from './dom.js';
import {STEPS, story} from './story.js';

const SHOWN = 400; /* events of a step in the document at once; the newest */

const GLYPHS = {done: '✓', bad: '✕', warn: '!', active: '', ahead: '', skipped: ''};
const WORDS = {
	done: 'done', bad: 'failed', warn: 'in doubt', active: 'under way', ahead: 'not reached',
	skipped: 'not seen',
};

/* A fast step stays readable and a slow one does not fill the line. */
const share = (took) => took > 0 ? 1 + Math.log10(1 + took / 100) : 1;

function makeStep(id, choose) {
	const parts = {
		mark: el('span', {class: 'dot', 'aria-hidden': 'true'}),
		line: el('span', {class: 'line', 'aria-hidden': 'true'}, el('span', {class: 'fill'})),
		title: el('span', {class: 'title'}),
		took: el('span', {class: 'took'}),
		words: el('span', {class: 'unseen'}),
	};
	const tab = el('button', {
		type: 'button', role: 'tab', class: 'step', id: `step-${id}`, 'aria-controls': 'events',
		onclick: () => choose(id), onfocus: () => choose(id),
	}, el('span', {class: 'track'}, parts.mark, parts.line), parts.title, parts.took, parts.words);
	tab.parts = parts;
	return tab;
}

function fillStep(tab, step, part) {
	const {mark, line, title, took, words} = tab.parts;
	setAttribute(tab, 'data-state', step.state);
	setText(mark, GLYPHS[step.state]);
	setText(title, step.title);
	setText(took, step.took === null ? '' : duration(step.took));
	setText(words, `, ${WORDS[step.state]}`);
	tab.style.flexGrow = share(step.took);
	const full = step.state === 'active' ? part ?? 0 : step.state === 'ahead' ? 0 : 1;
	line.firstChild.style.transform = `scaleX(${full})`;
}

/* What the sentence rounds. */
const fact = (event) => event.ms > 0 ? duration(event.ms) : '';

function eventLine(event, began) {
	const offset = ms(event.time) - began;
	return el('li', {'data-kind': event.kind},
		el('time', {datetime: event.time, title: clock(event.time)},
			offset < 0 ? clock(event.time) : `+${duration(offset)}`),
		el('span', {class: 'via'}, event.via ?? ''),
		el('span', {class: 'say'}, event.say ??
			[event.kind, event.name, event.text].filter(Boolean).join(': ')),
		el('span', {class: 'facts'}, fact(event)));
}

/** draw(boot, part): part 0…1 of what is being transferred, or null. */
export function timelineView() {
	let chosen = null, drawn = '', last = null;
	const tabs = new Map(STEPS.map((id) => [id, makeStep(id, choose)]));
	const strip = el('div', {class: 'steps', role: 'tablist', 'aria-label': 'Steps of the boot',
		onkeydown: key}, ...tabs.values());
	const events = el('ol', {class: 'events'});
	const panel = el('div', {id: 'events', role: 'tabpanel', tabindex: '0'}, events);

	function choose(id) {
		chosen = id;
		draw(...last);
	}

	function key(event) {
		const at = STEPS.indexOf(event.target.id.replace('step-', ''));
		const to = {
			ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: STEPS.length - 1,
		}[event.key];
		if (to === undefined)
			return;
		event.preventDefault();
		tabs.get(STEPS[(to + STEPS.length) % STEPS.length]).focus();
	}

	function drawEvents(boot, step) {
		const found = step.events;
		const key = `${boot.began} ${step.id} ${found.length} ${found.at(-1)?.seq} ${boot.outcome}`;
		if (key === drawn)
			return;
		drawn = key;
		const lines = found.slice(-SHOWN).map((event) => eventLine(event, ms(boot.began)));
		if (found.length > SHOWN)
			lines.unshift(el('li', {class: 'nothing'}, `${found.length - SHOWN} earlier ones`));
		if (found.length === 0)
			lines.push(el('li', {class: 'nothing'}, nothing(boot, step)));
		events.replaceChildren(...lines);
	}

	function nothing(boot, step) {
		if (step.id === 'end' && boot.outcome === 'running')
			return 'Not yet: it is still at it.';
		return step.state === 'skipped' ?
			'pixie saw nothing of this step: it was skipped, or somebody else served it.' :
			'The boot did not come this far.';
	}

	function draw(boot, part) {
		last = [boot, part];
		const {steps, at} = story(boot);
		const open = chosen ?? at;
		for (const step of steps) {
			const tab = tabs.get(step.id), is = step.id === open;
			fillStep(tab, step, part);
			setAttribute(tab, 'aria-selected', is ? 'true' : 'false');
			setAttribute(tab, 'tabindex', is ? '0' : '-1');
			if (is)
				drawEvents(boot, step);
		}
		setAttribute(panel, 'aria-labelledby', `step-${open}`);
	}

	return {
		node: el('div', {class: 'timeline'}, strip, panel),
		draw,
		/** Another boot: look again at where it has come to. */
		reset() {
			chosen = null;
		},
	};
}
