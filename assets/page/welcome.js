/* What somebody reads who has just started pixie: no machine has spoken to it yet. */
import {el} from './dom.js';

function dnsmasq(host) {
	return [
		'dhcp-match=set:bios,option:client-arch,0',
		'dhcp-match=set:efi64,option:client-arch,7',
		'dhcp-match=set:efi64,option:client-arch,9',
		'dhcp-match=set:arm64,option:client-arch,11',
		'dhcp-userclass=set:ipxe,iPXE',
		`dhcp-boot=tag:ipxe,http://${host}/chain.ipxe`,
		`dhcp-boot=tag:!ipxe,tag:bios,undionly.kpxe,,${location.hostname}`,
		`dhcp-boot=tag:!ipxe,tag:efi64,snponly64.efi,,${location.hostname}`,
		`dhcp-boot=tag:!ipxe,tag:arm64,snponly-arm64.efi,,${location.hostname}`,
	].join('\n');
}

const step = (title, ...children) => el('li', {}, el('h3', {}, title), ...children);

export function welcome() {
	return el('div', {class: 'page'},
		el('h2', {}, 'No machine has spoken to pixie yet'),
		el('p', {class: 'lead'}, 'They appear here by themselves, as soon as one asks for anything. ' +
			'Three steps to the first boot:'),
		el('ol', {class: 'first-steps'},
			step('Let machines find pixie',
				el('p', {}, 'Start pixie with ', el('code', {}, '--proxy-dhcp'),
					': it answers beside the DHCP server you have, which stays as it is. ' +
					'Or name pixie in your DHCP server, here for dnsmasq:'),
				el('pre', {tabindex: '0', 'aria-label': 'Lines for dnsmasq'}, dnsmasq(location.host))),
			step('Write a script',
				el('p', {}, 'Into the script directory (option ', el('code', {}, '-d'),
					'), named after the machine’s MAC address, such as ',
					el('code', {}, '00-11-22-33-44-55.ipxe'), ', or ', el('code', {}, 'default.ipxe'),
					' for all. What is there: ', el('a', {href: '/ipxe/'}, 'scripts'), ', ',
					el('a', {href: '#/roms'}, 'ROMs'), '.')),
			step('Boot it from the network',
				el('p', {}, 'Its firmware’s boot menu calls that PXE, network boot or HTTP Boot. ' +
					'Its story then runs across this page, step by step.'))));
}
