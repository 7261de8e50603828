#include "dhcp/proxy.h"

#include <stdio.h>

/*
 * The table. Who reads option 43 and how:
 *
 * BIOS ROMs (PXE 2.1) want it in the offer, and take "load the file" at its word.
 * EDK2 goes to port 4011 when there is none (PxeBcDhcp4.c: BINL), and so does all
 * vendors' UEFI; some ignore an offer with control 8 (HP: bootimus#77).
 * HTTP Boot (HttpBootDhcp4.c) wants HTTPClient and a URI and knows no 4011.
 * iPXE takes siaddr and file from the offer when both are there (ipxe#954).
 * A Raspberry Pi looks for its menu entry and then asks for names of its own.
 * U-Boot reads siaddr and file in the header, no option (booter#11).
 */
/* clang-format off */
const struct proxy_row proxy_rows[] = {
	/* client    attempt  option 60     option 43   boot file    4011   in words */
	{PROXY_BIOS,  0, "PXEClient",  PXE_DIRECT, PROXY_ROM,   true,  "boot file in the offer"},
	{PROXY_BIOS,  1, "PXEClient",  PXE_NO_43,  PROXY_ROM,   true,  "boot file on port 4011"},
	{PROXY_BIOS,  2, "PXEClient",  PXE_LIST,   PROXY_ROM,   true,  "list of boot servers"},
	{PROXY_UEFI,  0, "PXEClient",  PXE_NO_43,  PROXY_ROM,   true,  "boot file on port 4011"},
	{PROXY_UEFI,  1, "PXEClient",  PXE_DIRECT, PROXY_ROM,   true,  "boot file in the offer"},
	{PROXY_UEFI,  2, "PXEClient",  PXE_LIST,   PROXY_ROM,   true,  "list of boot servers"},
	{PROXY_HTTP,  0, "HTTPClient", PXE_NO_43,  PROXY_URI,   false, "URI in the offer"},
	{PROXY_IPXE,  0, "PXEClient",  PXE_DIRECT, PROXY_CHAIN, true,  "menu in the offer"},
	{PROXY_PI,    0, "PXEClient",  PXE_PI,     PROXY_BARE,  true,  "Raspberry Pi's menu entry"},
	{PROXY_UBOOT, 0, NULL,         PXE_NO_43,  PROXY_ROM,   false, "boot file in the header"},
};
/* clang-format on */
const size_t proxy_rows_count = sizeof(proxy_rows) / sizeof(*proxy_rows);

static const char *const client_names[PROXY_CLIENTS] = {
	[PROXY_BIOS] = "bios-pxe",
	[PROXY_UEFI] = "uefi-pxe",
	[PROXY_HTTP] = "http-boot",
	[PROXY_IPXE] = "ipxe",
	[PROXY_PI] = "raspberry-pi",
	[PROXY_UBOOT] = "u-boot",
};

static const char *const silences[PROXY_SILENCES] = {
	[PROXY_ANSWER] = "answered",
	[PROXY_IS_REPLY] = "a server's reply",
	[PROXY_IS_BOOTP] = "BOOTP: only who gives the address can name the file",
	[PROXY_NOT_NETWORK_BOOT] = "no network boot",
	[PROXY_NO_ADDRESS_OF_ITS_OWN] = "no IPv4 address of ours on this interface",
	[PROXY_OTHER_SERVER] = "a request to another server",
	[PROXY_NOT_ASKED] = "a message that asks for nothing",
	[PROXY_NOT_ON_4011] = "this kind of client is not answered on port 4011",
	[PROXY_NO_ROM] = "no ROM for this architecture",
	[PROXY_EMPTY_SLOT] = "the ROM's slot is empty",
	[PROXY_UNKNOWN_MACHINE] =
		"no script for this machine, left to boot from disk (--answer known)",
	[PROXY_IGNORED] = "its state is ignore: left to boot from disk",
};

const char *
proxy_silence_text(enum proxy_silence silence)
{
	return silences[silence];
}

const char *
proxy_client_text(enum proxy_client client)
{
	return client_names[client];
}

const struct proxy_row *
proxy_row_find(enum proxy_client client, unsigned attempt)
{
	for (size_t i = 0; i < proxy_rows_count; i++)
		if (proxy_rows[i].client == client && proxy_rows[i].attempt == attempt)
			return &proxy_rows[i];
	return NULL;
}

unsigned
proxy_attempts(enum proxy_client client)
{
	unsigned n = 0;

	while (proxy_row_find(client, n) != NULL)
		n++;
	return n;
}

/* The first of the client's architectures that there is a ROM for, else its first. */
static void
read_arch(struct proxy_ask *ask)
{
	uint16_t numbers[PXE_ARCHS_MAX];
	int n = pxe_archs(ask->pkt, numbers);

	ask->arch_number = n > 0 ? numbers[0] : -1;
	ask->arch = n > 0 ? arch_find(numbers[0]) : NULL;
	for (int i = 0; i < n; i++) {
		const struct arch *a = arch_find(numbers[i]);

		if (a == NULL || a->rom == NULL)
			continue;
		ask->arch_number = numbers[i];
		ask->arch = a;
		return;
	}
}

/*
 * The boot ROM of a Pi says it is a BIOS PC; only its MAC tells. On a Pi with UEFI
 * or U-Boot these speak for themselves by architecture.
 */
static bool
is_pi(const struct proxy_ask *ask)
{
	static const uint8_t ouis[][3] = {
		{0xb8, 0x27, 0xeb},
		{0xdc, 0xa6, 0x32},
		{0xe4, 0x5f, 0x01},
		{0x28, 0xcd, 0xc1},
		{0xd8, 0x3a, 0xdd},
		{0x2c, 0xcf, 0x67},
		{0x88, 0xa2, 0x9e},
	};

	if (ask->arch_number > 0)
		return ask->arch != NULL && ask->arch->kind == ARCH_PI;
	for (size_t i = 0; i < sizeof(ouis) / sizeof(*ouis); i++)
		if (memcmp(ask->pkt->head.chaddr, ouis[i], 3) == 0)
			return true;
	return false;
}

static bool
is_uboot(const struct proxy_ask *ask)
{
	return pxe_class_is(ask->pkt, "U-Boot") ||
	       (ask->arch != NULL && ask->arch->kind == ARCH_UBOOT);
}

/* The class comes first: it says which protocol the client wants to be answered in. */
static enum proxy_client
classify(const struct proxy_ask *ask)
{
	bool is_pxe = pxe_class_is(ask->pkt, "PXEClient");

	if (pxe_is_ipxe(ask->pkt))
		return PROXY_IPXE;
	if (pxe_class_is(ask->pkt, "HTTPClient"))
		return PROXY_HTTP;
	if (is_uboot(ask))
		return PROXY_UBOOT;
	if (is_pi(ask))
		return PROXY_PI;
	if (ask->arch != NULL && ask->arch->kind == ARCH_HTTP && !is_pxe)
		return PROXY_HTTP;
	return ask->arch_number > 0 ? PROXY_UEFI : PROXY_BIOS;
}

/*
 * Option 93 in itself marks a network boot, whatever option 60 says: some vendors'
 * firmware calls itself "HW-Client" there (dnsmasq's --dhcp-pxe-vendor).
 */
static bool
is_network_boot(const struct dhcp_pkt *pkt)
{
	return pxe_class_is(pkt, "PXEClient") || pxe_class_is(pkt, "HTTPClient") ||
	       pxe_class_is(pkt, "U-Boot") || pxe_is_ipxe(pkt) ||
	       dhcp_get(pkt, OPT_ARCH).len >= 2;
}

/*
 * On port 67 a DISCOVER is for everybody. A REQUEST there goes to the server that
 * gave the address, unless it asks for a boot item (PXE 2.1 §2.2.5: the broadcast
 * boot server discovery).
 */
static enum proxy_silence
check_type(const struct proxy_ask *ask)
{
	switch (ask->pkt->type) {
	case DHCP_DISCOVER:
		return ask->on_4011 ? PROXY_NOT_ASKED : PROXY_ANSWER;
	case DHCP_REQUEST:
		return ask->on_4011 || ask->has_item ? PROXY_ANSWER : PROXY_OTHER_SERVER;
	case DHCP_INFORM:
		return PROXY_ANSWER;
	default:
		return PROXY_NOT_ASKED;
	}
}

enum proxy_silence
proxy_read(struct proxy_ask *ask, const struct dhcp_pkt *pkt, bool on_4011)
{
	*ask = (struct proxy_ask){.pkt = pkt, .on_4011 = on_4011};
	if (pkt->head.op != BOOTREQUEST)
		return PROXY_IS_REPLY;
	if (pkt->type == DHCP_BOOTP)
		return PROXY_IS_BOOTP;
	if (!is_network_boot(pkt))
		return PROXY_NOT_NETWORK_BOOT;
	ask->has_item = pxe_boot_item(pkt, ask->item);
	read_arch(ask);
	ask->client = classify(ask);
	/* Nothing said: what is older than option 93 is a BIOS. */
	if (ask->arch_number < 0 && ask->client == PROXY_BIOS)
		ask->arch = arch_find(0);
	return check_type(ask);
}

/* The client's own word in option 60, up to a colon: "U-Boot.armv8", "HW-Client". */
static void
own_class(const struct dhcp_pkt *pkt, char out[static PROXY_CLASS_MAX])
{
	struct dhcp_bytes v = dhcp_get(pkt, OPT_CLASS);
	size_t n = 0;

	while (n < v.len && n < PROXY_CLASS_MAX - 1 && v.p[n] > ' ' && v.p[n] < 0x7f &&
		v.p[n] != ':')
		n++;
	if (n > 0)
		memcpy(out, v.p, n);
	out[n] = '\0';
}

static void
decide_class(const struct proxy_ask *ask, struct proxy_reply *r)
{
	bool has_own = dhcp_get(ask->pkt, OPT_CLASS).len > 0;
	bool usual = pxe_class_is(ask->pkt, "PXEClient") ||
		     pxe_class_is(ask->pkt, "HTTPClient");

	if (has_own && (r->row->class == NULL || !usual))
		own_class(ask->pkt, r->class);
	else
		snprintf(r->class, sizeof(r->class), "%s",
			r->row->class ? r->row->class : "");
}

static void
decide_file(const struct proxy_ask *ask, const struct proxy_known *known,
	struct proxy_reply *r)
{
	const char *rom = ask->arch ? ask->arch->rom : NULL;

	switch (r->row->boot) {
	case PROXY_ROM:
		snprintf(r->file, sizeof(r->file), "%s", rom);
		break;
	case PROXY_URI:
		snprintf(r->file, sizeof(r->file), "%.90s/%s", known->base, rom);
		break;
	case PROXY_CHAIN:
		/* An iPXE built without HTTP has TFTP always. */
		if (pxe_ipxe_can(ask->pkt, IPXE_HTTP))
			snprintf(r->file, sizeof(r->file), "%.90s/chain.ipxe",
				known->base);
		else
			snprintf(r->file, sizeof(r->file), "chain.ipxe");
		break;
	case PROXY_BARE:
		r->file[0] = '\0';
		break;
	}
}

static bool
needs_rom(const struct proxy_row *row)
{
	return row->boot == PROXY_ROM || row->boot == PROXY_URI;
}

/* Option 54, where it is said, names the server that shall answer. */
static bool
names_other_server(const struct dhcp_pkt *pkt, be32 self)
{
	be32 id;

	return dhcp_get_addr(pkt, OPT_SERVER_ID, &id) && be32_to(id) != be32_to(self);
}

enum proxy_silence
proxy_decide(const struct proxy_ask *ask, const struct proxy_known *known,
	struct proxy_reply *r)
{
	*r = (struct proxy_reply){.row = proxy_row_find(ask->client, known->attempt)};
	if (r->row == NULL)
		r->row = proxy_row_find(ask->client, 0);
	if (dhcp_no_addr(known->self))
		return PROXY_NO_ADDRESS_OF_ITS_OWN;
	if (names_other_server(ask->pkt, known->self))
		return PROXY_OTHER_SERVER;
	if (ask->on_4011 && !r->row->on_4011)
		return PROXY_NOT_ON_4011;
	if (known->is_ignored)
		return PROXY_IGNORED;
	if (known->known_only && !known->is_known)
		return PROXY_UNKNOWN_MACHINE;
	if (needs_rom(r->row) && (ask->arch == NULL || ask->arch->rom == NULL))
		return PROXY_NO_ROM;
	if (needs_rom(r->row) && known->rom_missing)
		return PROXY_EMPTY_SLOT;
	r->type = ask->pkt->type == DHCP_DISCOVER ? DHCP_OFFER : DHCP_ACK;
	/* An ACK is the end of discovery: only the Pi compares its string there again. */
	r->shape = r->type == DHCP_OFFER || r->row->shape == PXE_PI ? r->row->shape
								    : PXE_NO_43;
	decide_class(ask, r);
	decide_file(ask, known, r);
	return PROXY_ANSWER;
}

/* RFC 2131 table 3, for a server without addresses. */
static struct dhcp_head
head_of(const struct proxy_ask *ask, const struct proxy_known *known,
	const struct proxy_reply *r)
{
	const struct dhcp_head *q = &ask->pkt->head;
	struct dhcp_head h = {
		.op = BOOTREPLY,
		.htype = q->htype,
		.hlen = q->hlen,
		.xid = q->xid,
		.flags = q->flags,
		.siaddr = known->self,
		.giaddr = q->giaddr,
	};

	memcpy(h.chaddr, q->chaddr, sizeof(h.chaddr));
	if (r->type == DHCP_ACK)
		h.ciaddr = q->ciaddr;
	/*
	 * yiaddr stays 0: that is what marks a proxy's offer (PXE 2.1 §2.2.3). A relay
	 * that went by it would unicast to 0.0.0.0, so it is told to broadcast.
	 */
	if (dhcp_no_addr(h.ciaddr))
		h.flags |= DHCP_BROADCAST;
	return h;
}

/* As it came, when it is there and fits. */
static bool
echo(struct dhcp_writer *dw, const struct dhcp_pkt *pkt, uint8_t option)
{
	struct dhcp_bytes v = dhcp_get(pkt, option);

	return v.p == NULL || dhcp_put(dw, option, v.p, v.len);
}

/* What a client must have, in the order of its weight. */
static bool
put_body(struct dhcp_writer *dw, const struct proxy_ask *ask,
	const struct proxy_known *known, const struct proxy_reply *r)
{
	bool fits = dhcp_put_u8(dw, OPT_TYPE, (uint8_t)r->type) &&
		    dhcp_put(dw, OPT_SERVER_ID, known->self.b, sizeof(known->self.b)) &&
		    (r->class[0] == '\0' || dhcp_put_str(dw, OPT_CLASS, r->class)) &&
		    pxe_put_shape(
			    dw, r->shape, known->self, ask->has_item ? ask->item : NULL);

	if (r->file[0] == '\0' || !fits)
		return fits;
	fits = dhcp_put_str(dw, OPT_BOOT_FILE, r->file);
	/* EDK2 ends the name in place, with a NUL over the byte behind it (§1.1). */
	dhcp_put_pad(dw);
	return fits;
}

static size_t
write_within(uint8_t *buf, size_t cap, const struct proxy_ask *ask,
	const struct proxy_known *known, const struct proxy_reply *r)
{
	struct dhcp_head head = head_of(ask, known, r);
	struct dhcp_writer dw = dhcp_begin(buf, cap, &head, r->file);
	struct dhcp_bytes relay = dhcp_get(ask->pkt, OPT_RELAY_INFO);

	if (!put_body(&dw, ask, known, r))
		return 0;
	/* RFC 3046 §2.2: whole and last, or not at all; so room is kept for it. */
	if (relay.p != NULL) {
		size_t need = relay.len + 2 * (relay.len / 255 + 1);

		if (dw.w.cap - dw.w.len < need + 1)
			return 0;
		dw.w.cap -= need;
	}
	echo(&dw, ask->pkt, OPT_GUID);      /* PXE 2.1 §2.2 */
	echo(&dw, ask->pkt, OPT_CLIENT_ID); /* RFC 6842 §3 */
	dw.w.cap = cap;
	if (relay.p != NULL && !dhcp_put(&dw, OPT_RELAY_INFO, relay.p, relay.len))
		return 0;
	return dhcp_end(&dw);
}

/*
 * At first within what every client takes: firmware's word in option 57 is not
 * always true (EDK2 says 65280 in its REQUEST and drops what is over 1472).
 */
size_t
proxy_write(void *buf, size_t cap, const struct proxy_ask *ask,
	const struct proxy_known *known, const struct proxy_reply *r)
{
	size_t said = dhcp_reply_max(ask->pkt);
	size_t len = write_within(buf, DHCP_SAFE_MAX, ask, known, r);

	if (len == 0 && said > DHCP_SAFE_MAX)
		len = write_within(buf, said < cap ? said : cap, ask, known, r);
	return len;
}

enum proxy_way
proxy_way(const struct proxy_ask *ask, bool has_sender)
{
	if (!dhcp_no_addr(ask->pkt->head.giaddr))
		return PROXY_TO_RELAY;
	/* PXE 2.1 §2.2.5: the answer goes to the port that asked, 68 or 4011. */
	if (ask->on_4011 && has_sender)
		return PROXY_TO_SENDER;
	if (!dhcp_no_addr(ask->pkt->head.ciaddr))
		return PROXY_TO_CLIENT;
	/*
	 * A client without an address that does not ask for broadcast could be sent
	 * to by its MAC, if it had a yiaddr; a proxy's has none. Every PXE client
	 * listens to broadcasts, as it must to hear several servers.
	 */
	return PROXY_TO_BROADCAST;
}
