/*
 * proxyDHCP decided: a request and what we know go in, a reply or the reason for
 * silence comes out. No socket, no clock, no memory; `proxy_rows` is the table to
 * hold against what firmware does.
 *
 * Supported: PXE 2.1 §2.2 and §2.4, RFC 4578, RFC 2131 §4.1 and §4.3 as far as a
 * server without addresses can, RFC 3046 and 6842 (echoes), UEFI 2.10 §24.7.
 */
#ifndef PIXIE_DHCP_PROXY_H
#define PIXIE_DHCP_PROXY_H

#include "boot/arch.h"
#include "wire/dhcp_pkt.h"
#include "wire/pxe_opt.h"

/* What kind of program sent the request. */
enum proxy_client {
	PROXY_BIOS,
	PROXY_UEFI,
	PROXY_HTTP,
	PROXY_IPXE,
	PROXY_PI,
	PROXY_UBOOT,
	PROXY_CLIENTS,
};

enum proxy_silence {
	PROXY_ANSWER,
	PROXY_IS_REPLY,
	PROXY_IS_BOOTP,
	PROXY_NOT_NETWORK_BOOT,
	PROXY_NO_ADDRESS_OF_ITS_OWN,
	PROXY_OTHER_SERVER,
	PROXY_NOT_ASKED,
	PROXY_NOT_ON_4011,
	PROXY_NO_ROM,
	PROXY_EMPTY_SLOT,
	PROXY_UNKNOWN_MACHINE,
	PROXY_IGNORED,
	PROXY_SILENCES,
};
/* The reason in words for a person. */
const char *proxy_silence_text(enum proxy_silence silence);

/* What the boot file of a reply is. */
enum proxy_boot {
	PROXY_ROM,   /* "snponly64.efi", by TFTP from siaddr */
	PROXY_URI,   /* "http://ADDR:PORT/snponly64.efi" */
	PROXY_CHAIN, /* "http://ADDR:PORT/chain.ipxe" */
	PROXY_BARE,  /* none: siaddr only, the client has names of its own */
};

/* A row: how one kind of client is answered, at the nth attempt to please it. */
struct proxy_row {
	enum proxy_client client;
	unsigned attempt;
	const char *class;    /* option 60; NULL: the word the client itself says */
	enum pxe_shape shape; /* option 43 */
	enum proxy_boot boot;
	bool on_4011; /* answered there too */
	const char *words;
};
extern const struct proxy_row proxy_rows[];
extern const size_t proxy_rows_count;

/* NULL beyond the last attempt. */
const struct proxy_row *proxy_row_find(enum proxy_client client, unsigned attempt);
unsigned proxy_attempts(enum proxy_client client);
const char *proxy_client_text(enum proxy_client client);

/* What the packet says, without regard to who we are. */
struct proxy_ask {
	const struct dhcp_pkt *pkt;
	bool on_4011; /* the port it came to */
	enum proxy_client client;
	int arch_number;         /* -1: none said */
	const struct arch *arch; /* NULL: not one of ours */
	bool has_item;
	uint8_t item[4];
};

/* Fills `ask` for PROXY_ANSWER; any other silence is final. */
enum proxy_silence proxy_read(
	struct proxy_ask *ask, const struct dhcp_pkt *pkt, bool on_4011);

/* What we know beside the packet. */
struct proxy_known {
	be32 self;        /* where the client reaches us: siaddr, option 54 */
	const char *base; /* "http://ADDR:PORT" */
	unsigned attempt; /* learned for this machine */
	bool rom_missing; /* the slot of ask->arch->rom is empty */
	bool known_only;  /* --answer known */
	bool is_known;    /* the machine has a script */
	bool is_ignored;  /* its state: not to be answered */
};

#define PROXY_CLASS_MAX 32

struct proxy_reply {
	const struct proxy_row *row;
	enum dhcp_type type;
	enum pxe_shape shape;
	char class[PROXY_CLASS_MAX];
	char file[DHCP_FILE_MAX]; /* "" for none */
};

/* The decision. `*reply` is filled for PROXY_ANSWER. */
enum proxy_silence proxy_decide(const struct proxy_ask *ask,
	const struct proxy_known *known, struct proxy_reply *reply);

/*
 * The reply as a packet of at most `cap` bytes (at least DHCP_DATAGRAM_MAX). Its
 * length; 0 when the relay's option 82 left no room for what must be in it.
 */
size_t proxy_write(void *buf, size_t cap, const struct proxy_ask *ask,
	const struct proxy_known *known, const struct proxy_reply *reply);

/* Where a reply goes (RFC 2131 §4.1). */
enum proxy_way {
	PROXY_TO_RELAY,     /* giaddr, port 67 */
	PROXY_TO_SENDER,    /* where it came from, port included */
	PROXY_TO_CLIENT,    /* ciaddr, port 68 */
	PROXY_TO_BROADCAST, /* 255.255.255.255, port 68, on the link it came from */
};
/* `has_sender`: the datagram's source address is not 0.0.0.0. */
enum proxy_way proxy_way(const struct proxy_ask *ask, bool has_sender);

#endif
