/*
 * DHCP and BOOTP datagrams: bytes to struct and back. RFC 951 and 2131 §2 (the
 * header), RFC 2132 (options), RFC 3396 (long ones). Options are put in order once:
 * those of `file` and `sname` (option 52) and all pieces of a repeated one are
 * joined, and nobody but this file touches their bytes after that.
 */
#ifndef PIXIE_WIRE_DHCP_PKT_H
#define PIXIE_WIRE_DHCP_PKT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define DHCP_SERVER_PORT 67
#define DHCP_CLIENT_PORT 68
#define PXE_SERVER_PORT 4011 /* PXE 2.1 §2.2.3: boot service, redirected proxyDHCP */

#define DHCP_HEADER 236   /* up to the magic cookie */
#define DHCP_SNAME_MAX 64 /* both fields hold a string and its NUL */
#define DHCP_FILE_MAX 128
#define BOOTP_MIN 300 /* RFC 951 §3, and relays drop what is shorter (RFC 1542 §2.1) */
/* RFC 2131 §2: every client takes a datagram of 576 bytes, IP and UDP headers included */
#define DHCP_SAFE_MAX (576 - 28)
#define DHCP_DATAGRAM_MAX 1500 /* more would come in fragments: no client sends those */

enum dhcp_op { BOOTREQUEST = 1, BOOTREPLY };

enum dhcp_type {
	DHCP_BOOTP, /* no message type at all: RFC 951 */
	DHCP_DISCOVER,
	DHCP_OFFER,
	DHCP_REQUEST,
	DHCP_DECLINE,
	DHCP_ACK,
	DHCP_NAK,
	DHCP_RELEASE,
	DHCP_INFORM,
};

enum dhcp_option {
	OPT_PAD = 0,
	OPT_VENDOR = 43,
	OPT_REQUESTED_ADDR = 50,
	OPT_OVERLOAD = 52,
	OPT_TYPE = 53,
	OPT_SERVER_ID = 54,
	OPT_MAX_SIZE = 57,
	OPT_CLASS = 60,
	OPT_CLIENT_ID = 61,
	OPT_BOOT_FILE = 67,
	OPT_USER_CLASS = 77,
	OPT_RELAY_INFO = 82,
	OPT_ARCH = 93,
	OPT_NII = 94,
	OPT_GUID = 97,
	OPT_ETHERBOOT = 175,
	OPT_END = 255,
};

/* IPv4 addresses are be32 here: bytes as they stand in the packet. */
struct dhcp_head {
	uint8_t op, htype, hlen, hops;
	be32 xid;
	uint16_t secs, flags;
	be32 ciaddr, yiaddr, siaddr, giaddr;
	uint8_t chaddr[16];
};

#define DHCP_BROADCAST 0x8000 /* in flags */

struct dhcp_bytes {
	const uint8_t *p; /* NULL: the option is not there */
	size_t len;
};

struct dhcp_pkt {
	struct dhcp_head head;
	enum dhcp_type type;
	char sname[DHCP_SNAME_MAX + 1]; /* "" when they held options */
	char file[DHCP_FILE_MAX + 1];
	/* Private: */
	uint32_t present[8]; /* a bit an option: an empty one is present too */
	struct {
		uint16_t at, len;
	} where[256];
	uint8_t bytes[DHCP_DATAGRAM_MAX];
};

/* Why a datagram is none of DHCP's. */
enum dhcp_fault {
	DHCP_FINE,
	DHCP_TOO_SHORT,
	DHCP_TOO_LONG,
	DHCP_BAD_OP,
	DHCP_BAD_HLEN,
	DHCP_OPTION_CUT,
	DHCP_BAD_OVERLOAD,
	DHCP_BAD_TYPE,
	DHCP_FAULTS,
};
const char *dhcp_fault_text(enum dhcp_fault fault);

/*
 * Reads one datagram; `*pkt` holds copies. Tolerated: BOOTP without magic cookie
 * or options, a missing END, anything behind END.
 */
enum dhcp_fault dhcp_parse(const void *data, size_t len, struct dhcp_pkt *pkt);

/* The whole value; p is NULL when the option is absent. Borrowed from `pkt`. */
struct dhcp_bytes dhcp_get(const struct dhcp_pkt *pkt, uint8_t option);
/* The first bytes as a number; false when the option is absent or shorter. */
bool dhcp_get_u8(const struct dhcp_pkt *pkt, uint8_t option, uint8_t *out);
bool dhcp_get_u16(const struct dhcp_pkt *pkt, uint8_t option, uint16_t *out);
bool dhcp_get_addr(const struct dhcp_pkt *pkt, uint8_t option, be32 *out);

static inline bool
dhcp_no_addr(be32 a)
{
	return be32_to(a) == 0;
}

/* A packet under construction. */
struct dhcp_writer {
	struct writer w;
};

/*
 * Header and magic cookie into `buf`, whose size `cap` (at least BOOTP_MIN) is the
 * limit for the whole packet. `file` is cut to fit its field and NUL.
 */
struct dhcp_writer dhcp_begin(
	void *buf, size_t cap, const struct dhcp_head *head, const char *file);
/*
 * Appends one option, in pieces of 255 bytes when it is longer (RFC 3396). False,
 * and nothing written, when it and END would no longer fit.
 */
bool dhcp_put(struct dhcp_writer *dw, uint8_t option, const void *data, size_t len);
bool dhcp_put_u8(struct dhcp_writer *dw, uint8_t option, uint8_t v);
bool dhcp_put_str(struct dhcp_writer *dw, uint8_t option, const char *text);
/* One PAD, if it fits. */
void dhcp_put_pad(struct dhcp_writer *dw);
/* END, and zeros up to BOOTP_MIN. Returns the packet's length. */
size_t dhcp_end(struct dhcp_writer *dw);

/*
 * How long a reply this client takes: option 57 less the IP and UDP headers it
 * counts, at least DHCP_SAFE_MAX, at most what an Ethernet frame holds.
 */
size_t dhcp_reply_max(const struct dhcp_pkt *request);

#endif
