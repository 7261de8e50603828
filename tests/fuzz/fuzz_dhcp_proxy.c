/*
 * A request and what we know, decided: silence has a reason, and a reply keeps what
 * every client relies on. The first byte of the input is what we know.
 */
#include <stdlib.h>
#include <string.h>

#include "dhcp/memory.h"
#include "dhcp/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static bool
same(struct dhcp_bytes a, struct dhcp_bytes b)
{
	return a.p == NULL || (b.p != NULL && a.len == b.len && memcmp(a.p, b.p, a.len) == 0);
}

static void
check_reply(const struct proxy_ask *ask, const uint8_t *buf, size_t len)
{
	static struct dhcp_pkt reply;
	const struct dhcp_pkt *request = ask->pkt;
	be32 id;

	require(len >= BOOTP_MIN && len <= DHCP_DATAGRAM_MAX - 28);
	require(dhcp_parse(buf, len, &reply) == DHCP_FINE);
	require(reply.head.op == BOOTREPLY);
	require(be32_to(reply.head.xid) == be32_to(request->head.xid));
	/* Never an address: that is what makes it a proxy's. */
	require(dhcp_no_addr(reply.head.yiaddr));
	require(!dhcp_no_addr(reply.head.siaddr));
	require(dhcp_get_addr(&reply, OPT_SERVER_ID, &id));
	require(same(dhcp_get(request, OPT_RELAY_INFO), dhcp_get(&reply, OPT_RELAY_INFO)));
	/* No loops: who runs iPXE is never sent a ROM. */
	if (pxe_is_ipxe(request))
		require(strstr(reply.file, "chain.ipxe") != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dhcp_pkt pkt;
	static uint8_t buf[DHCP_DATAGRAM_MAX];
	struct proxy_known known = {.base = "http://255.255.255.255:65535"};
	struct proxy_reply reply;
	struct proxy_ask ask;
	size_t len;

	if (size < 1 || dhcp_parse(data + 1, size - 1, &pkt) != DHCP_FINE)
		return 0;
	known.self = be32_from(data[0] & 1 ? 0xc0000201 : 0);
	known.rom_missing = data[0] & 2;
	known.known_only = data[0] & 4;
	known.is_known = data[0] & 8;
	known.attempt = data[0] >> 5;
	if (proxy_read(&ask, &pkt, data[0] & 16) != PROXY_ANSWER ||
		proxy_decide(&ask, &known, &reply) != PROXY_ANSWER)
		return 0;
	require((data[0] & 1) != 0);
	require(!(data[0] & 4) || data[0] & 8);
	len = proxy_write(buf, sizeof(buf), &ask, &known, &reply);
	if (len > 0)
		check_reply(&ask, buf, len);
	proxy_way(&ask, true);
	machine_key_of(&pkt.head);
	return 0;
}
