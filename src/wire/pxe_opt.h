/*
 * What network-boot clients and servers put into DHCP options: PXE 2.1's option 43,
 * RFC 4578's 93, 94 and 97, user class 77 in both spellings, iPXE's option 175.
 */
#ifndef PIXIE_WIRE_PXE_OPT_H
#define PIXIE_WIRE_PXE_OPT_H

#include "base/hwaddr.h"
#include "wire/dhcp_pkt.h"

/* Sub-options of option 43 (PXE 2.1 table 2-1). */
enum pxe_sub {
	PXE_DISCOVERY_CONTROL = 6,
	PXE_BOOT_SERVERS = 8,
	PXE_MENU = 9,
	PXE_PROMPT = 10,
	PXE_BOOT_ITEM = 71,
	PXE_END = 255,
};

/* Bits of the discovery control. */
enum pxe_control {
	PXE_NO_BROADCAST = 1,
	PXE_NO_MULTICAST = 2,
	PXE_ONLY_LISTED = 4,
	PXE_LOAD_FILE = 8, /* skip discovery, load the boot file */
};

/* Features of an iPXE in option 175 (its numbers, not IANA's). */
enum ipxe_feature { IPXE_HTTP = 19 };

/*
 * A sub-option of an encapsulating option (43, 175); p NULL when absent. Stops at
 * PXE_END and at anything cut.
 */
struct dhcp_bytes pxe_sub(struct dhcp_bytes encapsulated, uint8_t sub);

/* The boot item of option 43, sub-option 71: type and layer; false without. */
bool pxe_boot_item(const struct dhcp_pkt *pkt, uint8_t item[static 4]);

/* Whether option 60 begins with this word. */
bool pxe_class_is(const struct dhcp_pkt *pkt, const char *word);

#define PXE_ARCHS_MAX 8
/*
 * The client's architectures in its own order: option 93, a list; where that is
 * absent the number in "PXEClient:Arch:00007:…" (option 60). How many.
 */
int pxe_archs(const struct dhcp_pkt *pkt, uint16_t archs[static PXE_ARCHS_MAX]);

/* Option 77 is or holds `word`: raw as iPXE sends it, or by RFC 3004. */
bool pxe_user_class_has(const struct dhcp_pkt *pkt, const char *word);

/* An iPXE by options 77 or 175 (gPXE and Etherboot too). */
bool pxe_is_ipxe(const struct dhcp_pkt *pkt);
/* False only when its option 175 lists features and this is not among them. */
bool pxe_ipxe_can(const struct dhcp_pkt *pkt, enum ipxe_feature feature);

/* Option 97 with type 0 and not all zeros or ones, as it stands; false without. */
bool pxe_guid(const struct dhcp_pkt *pkt, struct uuid *out);

/* The shapes of option 43 that pixie sends. */
enum pxe_shape {
	PXE_NO_43,
	PXE_DIRECT, /* "load the boot file": control 8 */
	PXE_LIST,   /* a list of one boot server, and a menu of one entry, at once */
	PXE_PI,     /* the menu entry a Raspberry Pi's ROM looks for */
	PXE_SHAPES,
};
/* The boot item that PXE_LIST's menu offers. */
#define PXE_LIST_ITEM 0x8000 /* PXE 2.1 table 2-1: 32768 and up are the vendor's */

/* Writes option 43 in this shape, `item` (or NULL) echoed; false when it does not fit. */
bool pxe_put_shape(
	struct dhcp_writer *dw, enum pxe_shape shape, be32 server, const uint8_t *item);

#endif
