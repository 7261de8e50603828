/*
 * Netascii: text as RFC 764's terminal wants it, by way of RFC 1350 §1. LF goes out as
 * CR LF, CR as CR NUL; a pair may lie across two blocks.
 */
#ifndef PIXIE_TFTP_NETASCII_H
#define PIXIE_TFTP_NETASCII_H

#include <stddef.h>
#include <stdint.h>

#include "boot/content.h"

/* A place in the content. Zeroed: its start. */
struct netascii {
	uint64_t off : 63;
	uint64_t half : 1; /* the first of two bytes that stand for source[off] is sent */
};

/*
 * Translates from `at` on, and moves it, until `len` bytes are in `out` (NULL: only
 * moves on) or the content ends. Returns how many these were, or -errno of the read.
 */
int netascii_read(struct netascii *at, struct content *content, uint8_t *out, size_t len);

#endif
