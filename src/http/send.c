#include "http/send.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "sys/memory.h"

/* Up to here one pread and one sendmsg are cheaper than sendfile between two of them. */
#define COPY_WHOLE (32 * 1024)
/*
 * The first bytes of what leaves in one turn travel in the packet of the head. They do
 * not where more follows: a Linux client whose first packet is longer than 1.1 and
 * shorter than 32 KiB was seen to stay at a receive window of 88 KiB, and so at segments
 * of 44 KiB on loopback, for the whole of 200 MB.
 */
#define WITH_HEAD 1024
/*
 * The last bytes of what takes several turns are copied, so that the file can be looked
 * at before they go. What is short leaves in the turn in which it was looked at, or is
 * looked at again.
 */
#define TAIL (4 * 1024)
#define SHORT (128 * 1024)

static ssize_t
result(ssize_t n, size_t wanted, bool *more)
{
	*more = n >= 0 && (size_t)n == wanted;
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* Head and body in one packet train: with TCP_NODELAY each write is one. */
static ssize_t
send_two(int fd, const struct output *o, const uint8_t *body, size_t len, bool *more)
{
	struct iovec iov[2] = {{(void *)o->head, o->head_len}, {(void *)body, len}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

	if (o->head_len == 0) {
		msg.msg_iov++;
		msg.msg_iovlen--;
	} else if (len == 0)
		msg.msg_iovlen--;
	return result(sendmsg(fd, &msg, MSG_NOSIGNAL), o->head_len + len, more);
}

/*
 * Reads, then looks whether the file is still the same, then sends: whoever gets
 * the last byte has got all of one version.
 */
static ssize_t
send_copy(int fd, const struct output *o, uint8_t *scratch, size_t len, bool *more)
{
	int error = content_read(o->content, o->off, scratch, len);

	if (error == 0 && len == o->len)
		error = content_check(o->content);
	if (error < 0)
		return error;
	return send_two(fd, o, scratch, len, more);
}

/*
 * Straight from the page cache. Never with MSG_MORE before it: that was measured
 * to double the CPU. A file cut short yields 0 bytes here and can never fault,
 * as a mapping would.
 */
static ssize_t
send_file(int fd, const struct output *o, uint8_t *scratch, size_t len, bool *more)
{
	uint64_t base;
	int file = content_fd(o->content, &base);
	off_t at = (off_t)(base + o->off);
	ssize_t n = sendfile(fd, file, &at, len);

	if (n < 0 && errno == EINVAL) /* a file system that cannot splice */
		return send_copy(
			fd, o, scratch, len < SEND_COPY_MAX ? len : SEND_COPY_MAX, more);
	return n == 0 ? -ESTALE : result(n, len, more);
}

/*
 * A file of half the memory and more. sendfile marks pages as used once for each 64 KiB
 * of a large folio, so that the kernel takes a file read but once for one in constant
 * use, and throws out all else for it. What is read is marked once.
 */
static bool
is_huge(const struct content *c)
{
	return content_size(c) >= memory_limit() / 2;
}

/* The head of a larger part, and a short one whole. */
static ssize_t
send_begin(int fd, const struct output *o, uint8_t *scratch, bool *more)
{
	struct output rest = *o;
	ssize_t n, m;

	if (o->len > SHORT)
		return send_two(fd, o, NULL, 0, more);
	n = o->tried ? content_check(o->content) : 0;
	if (n == 0)
		n = send_copy(fd, o, scratch, WITH_HEAD, more);
	if (n < 0 || !*more)
		return n;
	rest.head_len = 0;
	rest.off += WITH_HEAD;
	rest.len -= WITH_HEAD;
	m = send_file(fd, &rest, scratch, (size_t)rest.len, more);
	return m < 0 ? m : n + m;
}

ssize_t
send_output(int fd, const struct output *o, uint8_t *scratch, size_t most, bool *more)
{
	const uint8_t *view = o->content ? content_view(o->content, o->off) : NULL;
	size_t len = o->len < most ? o->len : most;

	if (o->content == NULL)
		return send_two(fd, o, NULL, 0, more);
	if (view != NULL)
		return send_two(fd, o, view, len, more);
	if (o->len <= COPY_WHOLE)
		return send_copy(fd, o, scratch, o->len, more);
	if (o->head_len > 0)
		return send_begin(fd, o, scratch, more);
	if (len > o->len - TAIL)
		len = o->len - TAIL;
	if (is_huge(o->content))
		return send_copy(
			fd, o, scratch, len < SEND_COPY_MAX ? len : SEND_COPY_MAX, more);
	return send_file(fd, o, scratch, len, more);
}
