#include "tftp/terms.h"

#include "base/mono.h"
#include "tftp/rto.h"

static void
grant(struct tftp_opts *granted, enum tftp_option o, uint64_t value)
{
	granted->set |= 1u << o;
	granted->value[o] = value;
}

static uint64_t
at_most(uint64_t asked, uint64_t max)
{
	return asked < max ? asked : max;
}

/*
 * RFC 2347: the OACK holds nothing that was not asked for. Sizes only shrink and
 * the timeout is echoed, as EDK2 checks (Mtftp4RrqOackValid) and the RFCs say.
 */
struct tftp_opts
tftp_grant(const struct tftp_request *req, const struct tftp_terms *terms, uint64_t size)
{
	unsigned asked = req->opts.set & ~terms->refuse;
	const uint64_t *value = req->opts.value;
	struct tftp_opts granted = {0};

	if (asked & 1u << TFTP_BLKSIZE && terms->blksize_max >= TFTP_BLKSIZE_MIN)
		grant(&granted, TFTP_BLKSIZE,
			at_most(value[TFTP_BLKSIZE], terms->blksize_max));
	/*
	 * RFC 2349: the size is that of the transfer; netascii's is not known. curl
	 * takes a size of 0 for a bad one and gives up, so an empty file has none.
	 */
	if (asked & 1u << TFTP_TSIZE && req->mode == TFTP_OCTET && size > 0)
		grant(&granted, TFTP_TSIZE, size);
	if (asked & 1u << TFTP_TIMEOUT)
		grant(&granted, TFTP_TIMEOUT, value[TFTP_TIMEOUT]);
	if (asked & 1u << TFTP_WINDOWSIZE)
		grant(&granted, TFTP_WINDOWSIZE,
			at_most(value[TFTP_WINDOWSIZE], terms->window_max));
	return granted;
}

unsigned
tftp_blksize(const struct tftp_opts *granted)
{
	return granted->set & 1u << TFTP_BLKSIZE ? (unsigned)granted->value[TFTP_BLKSIZE]
						 : TFTP_BLKSIZE_DEFAULT;
}

unsigned
tftp_window(const struct tftp_opts *granted)
{
	return granted->set & 1u << TFTP_WINDOWSIZE
		       ? (unsigned)granted->value[TFTP_WINDOWSIZE]
		       : 1;
}

/*
 * The timeout asked for bounds ours from above only: RFC 2349 has the client say
 * how long the server may take, and a loss should heal sooner. The bound leaves
 * the client's own timer, which is mostly the same, time to run out first.
 */
int64_t
tftp_max_rto(const struct tftp_opts *granted)
{
	if (!(granted->set & 1u << TFTP_TIMEOUT))
		return RTO_MAX;
	return MONO_S(granted->value[TFTP_TIMEOUT]) * 3 / 2;
}
