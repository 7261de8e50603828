/* DHCP packets from the network: accessors stay inside, and what we write we can read. */
#include <stdlib.h>
#include <string.h>

#include "wire/pxe_opt.h"
#include "wire/udp4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static volatile uint8_t sink;

/* Reads every byte: the sanitizer looks on. */
static void
touch(struct dhcp_bytes v)
{
	for (size_t i = 0; i < v.len; i++)
		sink ^= v.p[i];
}

/* Every option written again, in a packet of its own, reads the same. */
static void
check_rewritten(const struct dhcp_pkt *pkt)
{
	static struct dhcp_pkt again;
	uint8_t buf[2 * DHCP_DATAGRAM_MAX];

	for (int code = 1; code < OPT_END; code++) {
		struct dhcp_bytes v = dhcp_get(pkt, (uint8_t)code), w;
		struct dhcp_writer dw = dhcp_begin(
			buf, DHCP_DATAGRAM_MAX, &pkt->head, pkt->file);
		size_t len;

		if (v.p == NULL || code == OPT_OVERLOAD || code == OPT_TYPE)
			continue;
		if (!dhcp_put(&dw, (uint8_t)code, v.p, v.len))
			continue;
		len = dhcp_end(&dw);
		require(len <= DHCP_DATAGRAM_MAX);
		require(dhcp_parse(buf, len, &again) == DHCP_FINE);
		w = dhcp_get(&again, (uint8_t)code);
		require(w.p != NULL && w.len == v.len);
		require(v.len == 0 || memcmp(w.p, v.p, v.len) == 0);
	}
}

static void
check_pxe(const struct dhcp_pkt *pkt)
{
	uint16_t archs[PXE_ARCHS_MAX];
	uint8_t item[4];
	struct uuid uuid;

	require(pxe_archs(pkt, archs) <= PXE_ARCHS_MAX);
	pxe_boot_item(pkt, item);
	pxe_is_ipxe(pkt);
	pxe_ipxe_can(pkt, IPXE_HTTP);
	pxe_guid(pkt, &uuid);
	require(dhcp_reply_max(pkt) >= DHCP_SAFE_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dhcp_pkt pkt;
	struct udp4 d;

	if (udp4_parse(data, size, &d))
		touch((struct dhcp_bytes){d.data, d.len});
	if (dhcp_parse(data, size, &pkt) != DHCP_FINE)
		return 0;
	require(strlen(pkt.file) <= DHCP_FILE_MAX && strlen(pkt.sname) <= DHCP_SNAME_MAX);
	for (int code = 0; code < 256; code++)
		touch(dhcp_get(&pkt, (uint8_t)code));
	check_pxe(&pkt);
	check_rewritten(&pkt);
	return 0;
}
