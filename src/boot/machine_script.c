#include "boot/machine_script.h"

#include <dirent.h>
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

/* In the order of preference; lower is better. */
enum match { BY_MAC, BY_UUID, BY_SERIAL, BY_DEFAULT, NO_MATCH };

static enum match
match(const struct machine_names *m, const char *file)
{
	size_t stem = stem_of(file);
	struct mac mac;
	struct uuid uuid;

	if (stem == 0)
		return NO_MATCH;
	if (mac_parse(file, stem, &mac) && memcmp(&mac, &m->mac, sizeof(mac)) == 0)
		return BY_MAC;
	if (m->has_uuid && uuid_parse(file, stem, &uuid) &&
		memcmp(&uuid, &m->uuid, sizeof(uuid)) == 0)
		return BY_UUID;
	if (stem == strlen(m->serial) && strncasecmp(file, m->serial, stem) == 0)
		return BY_SERIAL;
	return strcasecmp(file, "default.ipxe") == 0 ? BY_DEFAULT : NO_MATCH;
}

bool
machine_script_find(
	const char *dir, const struct machine_names *m, char found[static 256])
{
	DIR *d = opendir(dir);
	enum match best = NO_MATCH;
	struct dirent *e;

	if (d == NULL)
		return false;
	while ((e = readdir(d)) != NULL) {
		enum match how = match(m, e->d_name);

		/* Two spellings of one machine: the same one each time, by byte order. */
		if (how < best || (how == best && best != NO_MATCH &&
					  strcmp(e->d_name, found) < 0)) {
			best = how;
			snprintf(found, 256, "%s", e->d_name);
		}
	}
	closedir(d);
	return best != NO_MATCH;
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
