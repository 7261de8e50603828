#include "dhcp/tell.h"

#include <stdio.h>
#include <string.h>

static const char *const firmware[PROXY_CLIENTS] = {
	[PROXY_BIOS] = "BIOS",
	[PROXY_UEFI] = "UEFI",
	[PROXY_HTTP] = "UEFI HTTP",
	[PROXY_IPXE] = "iPXE",
	[PROXY_PI] = "Raspberry Pi",
	[PROXY_UBOOT] = "U-Boot",
};

/* An UEFI that puts its GUID where the MAC belongs has none to tell. */
static bool
has_mac(const struct dhcp_pkt *pkt)
{
	return pkt->head.hlen == sizeof(struct mac);
}

/* The address it has, or was given and now asks for. */
static struct netaddr
address_of(const struct dhcp_pkt *pkt)
{
	be32 addr = pkt->head.ciaddr;

	if (dhcp_no_addr(addr) && (pkt->type != DHCP_REQUEST ||
					  !dhcp_get_addr(pkt, OPT_REQUESTED_ADDR, &addr)))
		return (struct netaddr){0};
	return dhcp_no_addr(addr) ? (struct netaddr){0} : netaddr_of_v4(addr, 0);
}

static struct sighting
sighting_of(const struct proxy_ask *ask)
{
	struct sighting who = SIGHTING_NONE;

	who.by_dhcp = true;
	who.has_mac = has_mac(ask->pkt);
	if (who.has_mac)
		memcpy(who.mac.b, ask->pkt->head.chaddr, sizeof(who.mac.b));
	who.has_uuid = pxe_guid(ask->pkt, &who.uuid);
	who.addr = address_of(ask->pkt);
	who.arch = (int16_t)ask->arch_number;
	who.firmware = firmware[ask->client];
	return who;
}

/* Option 60 as it is, and that it is an iPXE, which says so elsewhere. */
static const char *
class_of(const struct proxy_ask *ask, char buf[static 80])
{
	struct dhcp_bytes class = dhcp_get(ask->pkt, OPT_CLASS);
	int len = class.len < 64 ? (int)class.len : 64;

	snprintf(buf, 80, "%.*s%s", len, class.p ? (const char *)class.p : "",
		ask->client == PROXY_IPXE ? " iPXE" : "");
	return buf;
}

static void
tell(struct registry *r, const struct proxy_ask *ask, enum event_kind kind,
	const char *name, const char *text)
{
	struct sighting who = sighting_of(ask);

	registry_tell(r, &who,
		&(struct event){.kind = kind,
			.via = VIA_DHCP,
			.arch = (int16_t)ask->arch_number,
			.name = name,
			.text = text});
}

void
dhcp_tell_asked(struct registry *r, const struct proxy_ask *ask)
{
	struct sighting who = sighting_of(ask);
	char class[80];

	if (r == NULL)
		return;
	if (ask->pkt->type == DHCP_DISCOVER)
		tell(r, ask, EV_DISCOVER, NULL, class_of(ask, class));
	else
		registry_tell(r, &who, NULL); /* its address, if nothing else */
}

/* "http://ADDR:PORT/chain.ipxe" is chain.ipxe, as whoever fetches it will say. */
static const char *
name_in(const char *file)
{
	const char *host = strstr(file, "://"),
		   *path = host ? strchr(host + 3, '/') : NULL;

	return path ? path + 1 : file;
}

void
dhcp_tell_answered(
	struct registry *r, const struct proxy_ask *ask, const struct proxy_reply *reply)
{
	if (r != NULL)
		tell(r, ask, ask->on_4011 ? EV_ACK : EV_OFFER, name_in(reply->file),
			reply->row->words);
}

void
dhcp_tell_silent(struct registry *r, const struct proxy_ask *ask,
	enum proxy_silence silence, const char *why)
{
	switch (silence) {
	case PROXY_IS_REPLY:
	case PROXY_IS_BOOTP:
	case PROXY_NOT_NETWORK_BOOT:
	case PROXY_OTHER_SERVER:
	case PROXY_NOT_ASKED:
	case PROXY_NOT_ON_4011:
		break;
	default:
		if (r != NULL)
			tell(r, ask, EV_SILENT, NULL, why);
	}
}

/* Option 67 goes before the header, where it is. */
static const char *
boot_file(const struct dhcp_pkt *pkt, char buf[static DHCP_FILE_MAX + 1])
{
	struct dhcp_bytes option = dhcp_get(pkt, OPT_BOOT_FILE);
	int len = option.len < DHCP_FILE_MAX ? (int)option.len : DHCP_FILE_MAX;

	if (option.len > 0)
		snprintf(buf, DHCP_FILE_MAX + 1, "%.*s", len, (const char *)option.p);
	else
		snprintf(buf, DHCP_FILE_MAX + 1, "%s", pkt->file);
	return buf;
}

void
dhcp_tell_rival(
	struct registry *r, const struct dhcp_pkt *pkt, const struct netaddr *from)
{
	struct sighting who = SIGHTING_NONE;
	struct netaddr server = *from;
	char file[DHCP_FILE_MAX + 1], text[NETADDR_TEXT];
	struct machine_view known;
	be32 id;

	if (r == NULL || pkt->head.op != BOOTREPLY || !has_mac(pkt))
		return;
	memcpy(who.mac.b, pkt->head.chaddr, sizeof(who.mac.b));
	who.has_mac = who.by_dhcp = true;
	if (pkt->type == DHCP_ACK && !dhcp_no_addr(pkt->head.yiaddr))
		who.addr = netaddr_of_v4(pkt->head.yiaddr, 0);
	registry_tell(r, &who, NULL);
	if (*boot_file(pkt, file) == '\0' || !registry_machine(r, &who.mac, &known))
		return;
	if (dhcp_get_addr(pkt, OPT_SERVER_ID, &id))
		server = netaddr_of_v4(id, 0);
	registry_tell(r, &who,
		&(struct event){.kind = EV_OTHER_OFFER,
			.via = VIA_DHCP,
			.arch = -1,
			.name = name_in(file),
			.text = netaddr_host(&server, text)});
}
