#include "wire/pxe_opt.h"

#define ARCH_IN_CLASS "PXEClient:Arch:"
#define ARCH_IN_HTTP_CLASS "HTTPClient:Arch:"

struct dhcp_bytes
pxe_sub(struct dhcp_bytes from, uint8_t sub)
{
	struct reader r = reader_of(from.p, from.len);

	while (rd_left(&r) > 0) {
		uint8_t code = rd_u8(&r);
		struct dhcp_bytes value;

		if (code == OPT_PAD)
			continue;
		if (code == PXE_END)
			break;
		value.len = rd_u8(&r);
		value.p = rd_take(&r, value.len);
		if (value.p != NULL && code == sub)
			return value;
	}
	return (struct dhcp_bytes){NULL, 0};
}

bool
pxe_boot_item(const struct dhcp_pkt *pkt, uint8_t item[static 4])
{
	struct dhcp_bytes v = pxe_sub(dhcp_get(pkt, OPT_VENDOR), PXE_BOOT_ITEM);

	if (v.len < 4)
		return false;
	memcpy(item, v.p, 4);
	return true;
}

static bool
begins(struct dhcp_bytes v, const char *word)
{
	size_t n = strlen(word);

	return v.len >= n && memcmp(v.p, word, n) == 0;
}

bool
pxe_class_is(const struct dhcp_pkt *pkt, const char *word)
{
	return begins(dhcp_get(pkt, OPT_CLASS), word);
}

/* "…:Arch:00007:UNDI:003016": five digits. */
static bool
arch_in_class(struct dhcp_bytes class, const char *head, uint16_t *arch)
{
	unsigned v = 0;

	if (!begins(class, head) || class.len < strlen(head) + 5)
		return false;
	for (const uint8_t *p = class.p + strlen(head), *end = p + 5; p < end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		v = v * 10 + (*p - '0');
	}
	*arch = (uint16_t)v;
	return v <= UINT16_MAX;
}

int
pxe_archs(const struct dhcp_pkt *pkt, uint16_t archs[static PXE_ARCHS_MAX])
{
	struct dhcp_bytes v = dhcp_get(pkt, OPT_ARCH);
	struct reader r = reader_of(v.p, v.len);
	int n = 0;

	while (rd_left(&r) >= 2 && n < PXE_ARCHS_MAX)
		archs[n++] = rd_be16(&r);
	if (n > 0)
		return n;
	v = dhcp_get(pkt, OPT_CLASS);
	return arch_in_class(v, ARCH_IN_CLASS, archs) ||
	       arch_in_class(v, ARCH_IN_HTTP_CLASS, archs);
}

static bool
equals(struct dhcp_bytes v, const char *word)
{
	return v.len == strlen(word) && begins(v, word);
}

bool
pxe_user_class_has(const struct dhcp_pkt *pkt, const char *word)
{
	struct dhcp_bytes all = dhcp_get(pkt, OPT_USER_CLASS), one;
	struct reader r = reader_of(all.p, all.len);

	if (equals(all, word))
		return true;
	while (rd_left(&r) > 0) {
		one.len = rd_u8(&r);
		one.p = rd_take(&r, one.len);
		if (one.p != NULL && equals(one, word))
			return true;
	}
	return false;
}

bool
pxe_is_ipxe(const struct dhcp_pkt *pkt)
{
	return pxe_user_class_has(pkt, "iPXE") || pxe_user_class_has(pkt, "gPXE") ||
	       dhcp_get(pkt, OPT_ETHERBOOT).p != NULL;
}

/* Sub-options 16 to 79 are features with a version each (ipxe/features.h). */
static bool
lists_features(struct dhcp_bytes etherboot)
{
	for (int sub = 16; sub < 80; sub++)
		if (pxe_sub(etherboot, (uint8_t)sub).p != NULL)
			return true;
	return false;
}

bool
pxe_ipxe_can(const struct dhcp_pkt *pkt, enum ipxe_feature feature)
{
	struct dhcp_bytes v = dhcp_get(pkt, OPT_ETHERBOOT);

	return !lists_features(v) || pxe_sub(v, (uint8_t)feature).p != NULL;
}

bool
pxe_guid(const struct dhcp_pkt *pkt, struct uuid *out)
{
	struct dhcp_bytes v = dhcp_get(pkt, OPT_GUID);

	if (v.len != 1 + sizeof(out->b) || v.p[0] != 0)
		return false;
	memcpy(out->b, v.p + 1, sizeof(out->b));
	/* What SMBIOS says when nobody filled it in: EDK2 sends zeros. */
	for (size_t i = 1; i < sizeof(out->b); i++)
		if (out->b[i] != out->b[0])
			return true;
	return out->b[0] != 0x00 && out->b[0] != 0xff;
}

static void
put_sub(struct writer *w, enum pxe_sub sub, const void *data, size_t len)
{
	wr_u8(w, (uint8_t)sub);
	wr_u8(w, (uint8_t)len);
	wr_mem(w, data, len);
}

static void
put_control(struct writer *w, uint8_t bits)
{
	put_sub(w, PXE_DISCOVERY_CONTROL, &bits, 1);
}

/*
 * One boot server of one type, one menu entry for it, and a prompt that waits no
 * second: the client asks `server` on port 4011 for item PXE_LIST_ITEM.
 */
static void
put_list(struct writer *w, be32 server)
{
	static const char text[] = "pixie";
	uint8_t buf[32];
	struct writer sub = writer_of(buf, sizeof(buf));

	put_control(w, PXE_NO_BROADCAST | PXE_NO_MULTICAST | PXE_ONLY_LISTED);
	wr_be16(&sub, PXE_LIST_ITEM);
	wr_u8(&sub, 1);
	wr_mem(&sub, server.b, sizeof(server.b));
	put_sub(w, PXE_BOOT_SERVERS, buf, sub.len);
	sub = writer_of(buf, sizeof(buf));
	wr_be16(&sub, PXE_LIST_ITEM);
	wr_u8(&sub, (uint8_t)strlen(text));
	wr_str(&sub, text);
	put_sub(w, PXE_MENU, buf, sub.len);
	sub = writer_of(buf, sizeof(buf));
	wr_u8(&sub, 0);
	wr_str(&sub, text);
	put_sub(w, PXE_PROMPT, buf, sub.len);
}

/* Byte for byte what the boot ROM compares with, the odd control value 3 included. */
static void
put_pi(struct writer *w)
{
	static const char prompt[] = "\0PXE", menu[] = "\0\0\x11Raspberry Pi Boot";

	put_control(w, PXE_NO_BROADCAST | PXE_NO_MULTICAST);
	put_sub(w, PXE_PROMPT, prompt, sizeof(prompt) - 1);
	put_sub(w, PXE_MENU, menu, sizeof(menu) - 1);
}

bool
pxe_put_shape(
	struct dhcp_writer *dw, enum pxe_shape shape, be32 server, const uint8_t *item)
{
	uint8_t buf[96];
	struct writer w = writer_of(buf, sizeof(buf));

	switch (shape) {
	case PXE_DIRECT:
		put_control(&w, PXE_LOAD_FILE);
		break;
	case PXE_LIST:
		put_list(&w, server);
		break;
	case PXE_PI:
		put_pi(&w);
		break;
	default:
		break;
	}
	/* PXE 2.1 §2.2.5.2: the boot server's answer holds the item it was asked for. */
	if (item != NULL)
		put_sub(&w, PXE_BOOT_ITEM, item, 4);
	if (w.len == 0)
		return true;
	wr_u8(&w, PXE_END);
	return dhcp_put(dw, OPT_VENDOR, buf, w.len);
}
