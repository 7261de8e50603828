#include "boot/machine_script.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "boot/dir_stamp.h"
#include "boot/name.h"
#include "boot/script_list.h"

#define KEPT_MAX 100000 /* scripts: of more, the list is made each time */

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
			uuid_parse(text, strlen(text), &out->uuid) &&
			!uuid_is_nil(&out->uuid);
	if (!name_from_query(query, "serial", out->serial, sizeof(out->serial)))
		out->serial[0] = '\0';
	return true;
}

/* The list of the directory asked for last; of one server, it is always the same. */
static struct {
	pthread_mutex_t lock;
	struct dir_stamp stamp;
	struct script_list *list;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool
copy(const char *file, char found[static 256])
{
	if (file != NULL)
		snprintf(found, 256, "%s", file);
	return file != NULL;
}

/* Takes the list over. */
static void
keep(const struct dir_stamp *stamp, struct script_list *list)
{
	struct script_list *old;

	pthread_mutex_lock(&kept.lock);
	old = kept.list;
	kept.list = list;
	kept.stamp = *stamp;
	pthread_mutex_unlock(&kept.lock);
	script_list_free(old);
}

/* False when the list that is kept is not of the directory as it is. */
static bool
find_in_kept(const struct dir_stamp *stamp, const struct machine_names *m,
	char found[static 256], bool *any)
{
	bool same;

	pthread_mutex_lock(&kept.lock);
	same = kept.list != NULL && dir_stamp_same(&kept.stamp, stamp);
	if (same)
		*any = copy(script_list_find(kept.list, m), found);
	pthread_mutex_unlock(&kept.lock);
	return same;
}

/*
 * Reads the directory, without the lock; its list becomes the one that is kept if it may.
 * The stamp is of what was opened: a path may lead elsewhere a moment later.
 */
static bool
find_anew(DIR *d, const struct machine_names *m, char found[static 256])
{
	struct script_list *list;
	struct dir_stamp stamp;
	struct stat st;
	bool any, holds;

	if (fstat(dirfd(d), &st) < 0)
		return false;
	stamp = dir_stamp_of(&st);
	holds = dir_stamp_holds(dirfd(d), &st);
	list = script_list_of(d);
	any = copy(script_list_find(list, m), found);
	if (holds && list != NULL && script_list_count(list) <= KEPT_MAX)
		keep(&stamp, list);
	else
		script_list_free(list);
	return any;
}

bool
machine_script_find(
	const char *dir, const struct machine_names *m, char found[static 256])
{
	struct dir_stamp stamp;
	struct stat st;
	bool any;
	DIR *d;

	if (stat(dir, &st) < 0)
		return false;
	stamp = dir_stamp_of(&st);
	if (find_in_kept(&stamp, m, found, &any))
		return any;
	d = opendir(dir);
	if (d == NULL)
		return false;
	any = find_anew(d, m, found);
	closedir(d);
	return any;
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
