/*
 * Elements from data. Names and texts come from strangers on the boot network: they
 * become text nodes and attribute values, never markup.
 */

/** el('p', {class: 'x', onclick: f}, 'text', node, null): null children are left out. */
export function el(tag, attributes = {}, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (value === null || value === undefined || value === false)
			continue;
		if (name.startsWith('on'))
			node.addEventListener(name.slice(2), value);
		else
			node.setAttribute(name, value === true ? '' : value);
	}
	node.append(...children.flat().filter((child) => child !== null && child !== undefined));
	return node;
}

/** Writes only what differs: a screen reader and a selection are not disturbed. */
export function setText(node, text) {
	if (node.textContent !== text)
		node.textContent = text;
}

export function setAttribute(node, name, value) {
	if (value === null || value === undefined || value === false)
		node.removeAttribute(name);
	else if (node.getAttribute(name) !== String(value))
		node.setAttribute(name, value);
}

export const byId = (id) => document.getElementById(id);

/** Many calls, one run of `draw` in the next frame. */
export function oncePerFrame(draw) {
	let asked = false;
	return () => {
		if (asked)
			return;
		asked = true;
		requestAnimationFrame(() => {
			asked = false;
			draw();
		});
	};
}

/** role=progressbar with a label; set({part, text}), part null for an unknown size. */
export function bar(label) {
	const fill = el('span', {class: 'fill'});
	const node = el('span', {
		class: 'bar', role: 'progressbar', 'aria-label': label, 'aria-valuemin': 0,
		'aria-valuemax': 100,
	}, fill);
	node.set = (part, text) => {
		setAttribute(node, 'data-unknown', part === null ? '' : null);
		setAttribute(node, 'aria-valuenow', part === null ? null : Math.round(part * 100));
		setAttribute(node, 'aria-valuetext', text);
		fill.style.transform = `scaleX(${part === null ? 1 : part})`;
	};
	return node;
}
