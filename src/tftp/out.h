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
 * One pull's worth. The caller provides the room, for at least TFTP_CONTROL_MAX bytes and
 * one block, so that many pulls may lie close together until they are sent.
 */
struct tftp_out {
	/* Room for so many frames and their heads; UDP_BURST_MAX are used at most. */
	unsigned most;
	struct udp_frame *frames;
	uint8_t (*heads)[TFTP_HEAD];
	/* For what is in no memory yet. */
	uint8_t *scratch;
	size_t scratch_size;

	unsigned n;  /* frames */
	size_t size; /* of every datagram but the last, which may be shorter */
	size_t used; /* bytes of the scratch that these point to */
};

/* How many blocks of `blksize` there is room for. */
unsigned tftp_out_room(const struct tftp_out *out, unsigned blksize);

/* The one packet is what the first `len` bytes of the scratch hold. */
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
