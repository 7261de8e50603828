#include "tftp/out.h"

#include <assert.h>

static uint64_t
at_most(uint64_t v, uint64_t max)
{
	return v < max ? v : max;
}

uint64_t
tftp_out_room(const struct tftp_out *out, unsigned blksize)
{
	uint64_t room = at_most(out->scratch_size / blksize, UDP_BURST_MAX);

	return out->most > 0 ? at_most(room, out->most) : room;
}

void
tftp_out_control(struct tftp_out *out, size_t len)
{
	assert(len > 0);
	out->n = 1;
	out->size = len;
	out->frames[0].iov[0] = (struct iovec){out->control, len};
	out->frames[0].iov[1] = (struct iovec){NULL, 0};
}

void
tftp_out_begin(struct tftp_out *out, unsigned blksize)
{
	out->n = 0;
	out->size = TFTP_HEAD + blksize;
}

void
tftp_out_block(struct tftp_out *out, uint64_t block, const uint8_t *body, size_t len)
{
	unsigned i = out->n++;

	tftp_put_data_head(out->heads[i], (uint16_t)block);
	out->frames[i].iov[0] = (struct iovec){out->heads[i], TFTP_HEAD};
	out->frames[i].iov[1] = (struct iovec){(void *)body, len};
}

int
tftp_out_blocks(struct tftp_out *out, struct content *content, unsigned blksize,
	uint64_t first, uint64_t end)
{
	uint64_t off = (first - 1) * blksize, left = content_size(content) - off;
	size_t len = (size_t)at_most((end - first + 1) * blksize, left);
	const uint8_t *body = len ? content_view(content, off) : out->scratch;
	int err;

	if (body == NULL) {
		err = content_read(content, off, out->scratch, len);
		if (err < 0)
			return err;
		body = out->scratch;
	}
	for (uint64_t b = first; b <= end; b++) {
		size_t n = len < blksize ? len : blksize;

		tftp_out_block(out, b, body, n);
		body += n;
		len -= n;
	}
	return 0;
}
