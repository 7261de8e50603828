/* Any datagram: parsed or refused with a reason, never read beyond its end. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/tftp_pkt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int truth)
{
	if (!truth)
		abort();
}

/* What was understood can be said again, and means the same. */
static void
round_trip(const struct tftp_opts *opts)
{
	uint8_t buf[TFTP_CONTROL_MAX];
	struct tftp_pkt pkt;
	size_t len = tftp_put_oack(buf, sizeof(buf), opts);

	require(len > 0 && tftp_parse(buf, len, &pkt) == TFTP_FINE);
	require(pkt.oack.set == opts->set);
	for (int o = 0; o < TFTP_OPTIONS; o++)
		if (opts->set & 1u << o)
			require(pkt.oack.value[o] == opts->value[o]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t buf[64];
	struct tftp_pkt pkt;
	enum tftp_fault fault = tftp_parse(data, size, &pkt);

	if (fault != TFTP_FINE) {
		require(strlen(tftp_fault_text(fault)) > 0);
		return 0;
	}
	if (pkt.op == TFTP_RRQ || pkt.op == TFTP_WRQ) {
		require(strlen(pkt.req.name) == pkt.req.len && pkt.req.len < size);
		round_trip(&pkt.req.opts);
	} else if (pkt.op == TFTP_OACK)
		round_trip(&pkt.oack);
	else if (pkt.op == TFTP_ERROR && pkt.len > 0) {
		char *text = strndup(pkt.data, pkt.len);

		require(tftp_put_error(buf, sizeof(buf), pkt.code, text) <= sizeof(buf));
		free(text);
	}
	return 0;
}
