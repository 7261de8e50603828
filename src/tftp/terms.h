/*
 * Which of the options a client asks for it is granted: RFC 2347, 2348, 2349, 7440.
 */
#ifndef PIXIE_TFTP_TERMS_H
#define PIXIE_TFTP_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "sys/udp.h" /* UDP_BURST_MAX only: a window is sent by one call */
#include "wire/tftp_pkt.h"

#define TFTP_WINDOW_MAX UDP_BURST_MAX

/* What the server allows a transfer. */
struct tftp_terms {
	unsigned blksize_max; /* so that a block and its headers fit the route's MTU */
	unsigned window_max;  /* 1…TFTP_WINDOW_MAX */
	unsigned refuse;      /* 1 << TFTP_…: options to ignore */
	int64_t min_rto;      /* µs; the least the retransmission timer waits */
	bool paced; /* a window's blocks may be pulled one by one, with time between */
};

/* What goes into the OACK, nothing when there is to be none. `size`: the content's. */
struct tftp_opts tftp_grant(
	const struct tftp_request *req, const struct tftp_terms *terms, uint64_t size);

/* What a grant means, with the defaults where nothing was granted. */
unsigned tftp_blksize(const struct tftp_opts *granted);
unsigned tftp_window(const struct tftp_opts *granted);
/* The longest that the client lets us wait before we send again, µs: see rto_init(). */
int64_t tftp_max_rto(const struct tftp_opts *granted);

#endif
