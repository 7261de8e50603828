/*
 * TFTP datagrams: bytes to struct and back. RFC 1350 §5, RFC 2347, and the
 * options of RFC 2348 (blksize), 2349 (timeout, tsize) and 7440 (windowsize).
 * Nothing here remembers anything; what a packet means is tftp/session's affair.
 */
#ifndef PIXIE_WIRE_TFTP_PKT_H
#define PIXIE_WIRE_TFTP_PKT_H

#include <stddef.h>
#include <stdint.h>

enum tftp_opcode { TFTP_RRQ = 1, TFTP_WRQ, TFTP_DATA, TFTP_ACK, TFTP_ERROR, TFTP_OACK };

enum tftp_mode { TFTP_OCTET, TFTP_NETASCII };

/* RFC 1350 appendix; 8 is RFC 2347's. */
enum tftp_code {
	TFTP_E_UNDEFINED,
	TFTP_E_NOT_FOUND,
	TFTP_E_ACCESS,
	TFTP_E_DISK_FULL,
	TFTP_E_ILLEGAL,
	TFTP_E_UNKNOWN_TID,
	TFTP_E_EXISTS,
	TFTP_E_NO_USER,
	TFTP_E_OPTIONS,
};

#define TFTP_HEAD 4 /* opcode and block number before the bytes of a DATA packet */
#define TFTP_BLKSIZE_DEFAULT 512
#define TFTP_BLKSIZE_MIN 8
#define TFTP_BLKSIZE_MAX 65464
/* A client that asked for nothing has room for this much, so control packets fit. */
#define TFTP_CONTROL_MAX (TFTP_HEAD + TFTP_BLKSIZE_DEFAULT)

enum tftp_option {
	TFTP_BLKSIZE,
	TFTP_TSIZE,
	TFTP_TIMEOUT,
	TFTP_WINDOWSIZE,
	TFTP_OPTIONS
};

/* The options of a request, or those granted in an OACK. */
struct tftp_opts {
	unsigned set; /* 1 << TFTP_…: which of the values are there */
	uint64_t value[TFTP_OPTIONS];
};

struct tftp_request {
	const char *name; /* may hold any byte but NUL */
	size_t len;
	enum tftp_mode mode;
	struct tftp_opts opts;
};

struct tftp_pkt {
	enum tftp_opcode op;
	struct tftp_request req; /* RRQ, WRQ */
	struct tftp_opts oack;   /* OACK */
	uint16_t block;          /* DATA, ACK */
	uint16_t code;           /* ERROR: enum tftp_code, or whatever was sent */
	const void *data;        /* DATA: the block; ERROR: the message, without NUL */
	size_t len;              /* of `data` */
};

/* Why a datagram is none of TFTP's. */
enum tftp_fault {
	TFTP_FINE,
	TFTP_TOO_SHORT,
	TFTP_BAD_OPCODE,
	TFTP_NAME_UNENDED,
	TFTP_MODE_UNENDED,
	TFTP_BAD_MODE,
};
const char *tftp_fault_text(enum tftp_fault fault);

/*
 * Reads one datagram; `*pkt` borrows from it. Options that are unknown, repeated,
 * malformed or outside what their RFC allows are left out as if never asked
 * (RFC 2347: "the option is ignored"; the OACK then does not hold it).
 */
enum tftp_fault tftp_parse(const void *data, size_t len, struct tftp_pkt *pkt);

/* "blksize"; and the option of a name in any case, or TFTP_OPTIONS when unknown. */
const char *tftp_option_name(enum tftp_option o);
enum tftp_option tftp_option_find(const char *name, size_t len);

/* The four bytes before a block. */
void tftp_put_data_head(uint8_t head[static TFTP_HEAD], uint16_t block);
void tftp_put_ack(uint8_t packet[static TFTP_HEAD], uint16_t block);
/* These return the packet's length. OACK and RRQ: 0 when it does not fit in `cap`. */
size_t tftp_put_oack(void *packet, size_t cap, const struct tftp_opts *opts);
size_t tftp_put_rrq(
	void *packet, size_t cap, const char *name, const struct tftp_opts *opts);
/* ERROR; a message too long for `cap` (at least 5) is cut between characters. */
size_t tftp_put_error(void *packet, size_t cap, enum tftp_code code, const char *text);

#endif
