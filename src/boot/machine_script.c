#include "boot/machine_script.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "boot/name.h"

static const char extension[] = ".ipxe";

/* The length of `name` without ".ipxe", or 0 when it does not end so. */
static size_t
stem_of(const char *name)
{
	size_t n = strlen(name), ext = strlen(extension);

	return n > ext && strcasecmp(name + n - ext, extension) == 0 ? n - ext : 0;
}

bool
machine_names_from(const char *name, const char *query, struct machine_names *out)
{
	char text[UUID_TEXT + 2];

	memset(out, 0, sizeof(*out));
	if (!mac_parse(name, stem_of(name), &out->mac))
		return false;
	out->has_uuid = name_from_query(query, "uuid", text, sizeof(text)) &&
			uuid_parse(text, strlen(text), &out->uuid);
	if (!name_from_query(query, "serial", out->serial, sizeof(out->serial)))
		out->serial[0] = '\0';
	return true;
}

const char *
machine_script_tried(const struct machine_names *m, char *buf, size_t cap)
{
	char mac[MAC_TEXT], uuid[UUID_TEXT];
	struct writer w = writer_of(buf, cap - 1);

	wr_fmt(&w, "%s.ipxe, ", mac_text(&m->mac, mac));
	if (m->has_uuid)
		wr_fmt(&w, "%s.ipxe, ", uuid_text(&m->uuid, uuid));
	if (*m->serial)
		wr_fmt(&w, "%s.ipxe, ", m->serial);
	wr_str(&w, "default.ipxe");
	buf[w.len] = '\0';
	return buf;
}
