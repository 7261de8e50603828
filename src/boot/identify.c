#include "boot/identify.h"

#include <stdio.h>
#include <string.h>

#include "boot/name.h"
#include "sys/neigh.h"

static void
name_after_mac(struct who *who)
{
	char text[MAC_TEXT];

	who->has_mac = true;
	snprintf(who->label, sizeof(who->label), "%s", mac_text(&who->mac, text));
}

void
identify(struct who *who, const struct netaddr *peer, unsigned ifindex)
{
	memset(who, 0, sizeof(*who));
	if (neigh_lookup(peer, ifindex, &who->mac))
		name_after_mac(who);
	else
		netaddr_host(peer, who->label);
}

/*
 * "00-11-22-33-44-55.ipxe", and behind a hardware type as PXELINUX and GRUB
 * write it: "01-00-11-22-33-44-55", "grub.cfg-01-00-11-22-33-44-55".
 */
void
identify_by_name(struct who *who, const char *name)
{
	const char *last = name_last(name), *dot = strrchr(last, '.');
	size_t n = strlen(last), stem = dot ? (size_t)(dot - last) : n;
	struct mac mac;

	if (mac_parse(last, stem, &mac) || mac_parse(last, n, &mac) ||
		(n > 17 && last[n - 18] == '-' && mac_parse(last + n - 17, 17, &mac))) {
		who->mac = mac;
		who->by_name = true;
		name_after_mac(who);
	}
}
