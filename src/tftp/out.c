#include "tftp/out.h"

#include <assert.h>

static size_t
at_most(size_t v, size_t max)
{
	return v < max ? v : max;
}

unsigned
tftp_out_room(const struct tftp_out *out, unsigned blksize)
{
	size_t room = at_most(out->scratch_size / blksize, UDP_BURST_MAX);

	return (unsigned)at_most(room, out->most);
}

void
tftp_out_control(struct tftp_out *out, size_t len)
{
	assert(len > 0);
	out->n = 1;
	out->size = out->used = len;
	out->frames[0].iov[0] = (struct iovec){out->scratch, len};
	out->frames[0].iov[1] = (struct iovec){NULL, 0};
}

void
tftp_out_begin(struct tftp_out *out, unsigned blksize)
{
	out->n = 0;
	out->used = 0;
	out->size = TFTP_HEAD + blksize;
}

void
tftp_out_block(struct tftp_out *out, uint32_t block, const uint8_t *body, size_t len)
{
	unsigned i = out->n++;

	tftp_put_data_head(out->heads[i], (uint16_t)block);
	out->frames[i].iov[0] = (struct iovec){out->heads[i], TFTP_HEAD};
	out->frames[i].iov[1] = (struct iovec){(void *)body, len};
}

int
tftp_out_blocks(struct tftp_out *out, struct content *content, unsigned blksize,
	uint32_t first, uint32_t end)
{
	uint64_t off = (uint64_t)(first - 1) * blksize;
	size_t len =
		at_most((size_t)(end - first + 1) * blksize, content_size(content) - off);
	const uint8_t *body = len ? content_view(content, off) : out->scratch;
	int err;

	if (body == NULL) {
		err = content_read(content, off, out->scratch, len);
		if (err < 0)
			return err;
		body = out->scratch;
		out->used = len;
	}
	for (uint32_t b = first; b <= end; b++) {
		size_t n = len < blksize ? len : blksize;

		tftp_out_block(out, b, body, n);
		body += n;
		len -= n;
	}
	return 0;
}
