/*
 * What a session gives to whoever sends: one control packet, or a burst of blocks, as
 * frames of a header and a body that lies in the content or in the sender's scratch.
 */
#ifndef PIXIE_TFTP_OUT_H
#define PIXIE_TFTP_OUT_H

#include <stddef.h>
#include <stdint.h>

#include "boot/content.h"
#include "sys/udp.h" /* struct udp_frame only: the shape of what is sent */
#include "wire/tftp_pkt.h"

/*
 * One pull's worth. The caller provides `scratch`, at least TFTP_BLKSIZE_MAX bytes, and
 * may set `most`, how many blocks it wants.
 */
struct tftp_out {
	unsigned most; /* 0: UDP_BURST_MAX */
	struct udp_frame frames[UDP_BURST_MAX];
	unsigned n;
	size_t size; /* of every datagram but the last, which may be shorter */
	uint8_t heads[UDP_BURST_MAX][TFTP_HEAD];
	uint8_t control[TFTP_CONTROL_MAX];
	uint8_t *scratch;
	size_t scratch_size;
};

/* How many blocks of `blksize` there is room for. */
unsigned tftp_out_room(const struct tftp_out *out, unsigned blksize);

/* The one packet is what the first `len` bytes of `out->control` hold. */
void tftp_out_control(struct tftp_out *out, size_t len);
/* Begins a burst of blocks. */
void tftp_out_begin(struct tftp_out *out, unsigned blksize);
/* One more; `body` is borrowed. */
void tftp_out_block(
	struct tftp_out *out, uint32_t block, const uint8_t *body, size_t len);
/*
 * The blocks `first` to `end`, 1 the first of all, as they lie in the content; what is
 * in no memory comes by one read. There is room for them. 0, or content_read()'s error.
 */
int tftp_out_blocks(struct tftp_out *out, struct content *content, unsigned blksize,
	uint32_t first, uint32_t end);

#endif
