#define _GNU_SOURCE
#include "boot/rom_list.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "assets/asset.h"
#include "boot/tree.h"

_Static_assert(ROM_SHA256_TEXT == 2 * SHA256_DIGEST_SIZE + 1, "hex and NUL");

/* No iPXE is near this; a --roms directory may hold anything. */
#define ROM_MAX_BYTES (64 << 20)

static void
hash(const uint8_t *data, size_t len, char hex[static ROM_SHA256_TEXT])
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, len, data);
	sha256_digest(&ctx, sizeof(digest), digest);
	hex_text(hex, digest, sizeof(digest));
}

/* The version an unpacked iPXE says of itself: "iPXE/1.21.1+git…" or "iPXE 2.0.0". */
static void
find_version(const uint8_t *data, size_t len, char version[static 64])
{
	const uint8_t *at = data, *end = data + len;

	snprintf(version, 64, "unknown");
	while ((at = memmem(at, (size_t)(end - at), "iPXE", 4)) != NULL) {
		size_t n = 0;

		at += 4;
		if (end - at < 4 || (*at != '/' && *at != ' ') || at[1] < '0' ||
			at[1] > '9')
			continue;
		at++;
		while (n < 63 && at + n < end && at[n] > ' ' && at[n] < 0x7f &&
			at[n] != ')')
			n++;
		memcpy(version, at, n);
		version[n] = '\0';
		return;
	}
}

static uint8_t *
read_all(int fd, size_t len)
{
	uint8_t *data = malloc(len ? len : 1);
	size_t got = 0;
	ssize_t n = 1;

	while (data != NULL && got < len && (n = read(fd, data + got, len - got)) > 0)
		got += (size_t)n;
	if (got == len)
		return data;
	free(data);
	return NULL;
}

/* Fills the row from DIR/name; false when there is no such file. */
static bool
from_directory(struct rom_row *row, const char *dir, const char *name)
{
	struct stat st;
	int fd = *dir && *name ? tree_open(dir, name, &st) : -ENOENT;
	uint8_t *data = NULL;

	if (fd < 0)
		return false;
	if (S_ISREG(st.st_mode) && st.st_size <= ROM_MAX_BYTES)
		data = read_all(fd, (size_t)st.st_size);
	close(fd);
	if (data == NULL)
		return false;
	row->source = dir;
	row->size = (size_t)st.st_size;
	hash(data, row->size, row->sha256);
	find_version(data, row->size, row->version);
	free(data);
	return true;
}

static bool
from_build(struct rom_row *row, const char *name)
{
	const struct asset *a = asset_find(name);

	if (a == NULL)
		return false;
	row->source = a->source;
	row->size = a->len;
	snprintf(row->version, sizeof(row->version), "%s",
		*a->version ? a->version : "unknown");
	snprintf(row->sha256, sizeof(row->sha256), "%s", a->sha256);
	return true;
}

static bool
fill(struct rom_row *row, const char *dir, const struct rom *rom)
{
	return from_directory(row, dir, rom->name) ||
	       from_directory(row, dir, rom->alias) || from_build(row, rom->name);
}

struct rom_row *
rom_rows(const char *dir)
{
	struct rom_row *rows = calloc(roms_count, sizeof(*rows));

	for (size_t i = 0; rows != NULL && i < roms_count; i++)
		fill(&rows[i], dir ? dir : "", &roms[i]);
	return rows;
}

const char *
rom_same_as(const struct rom_row rows[], size_t i)
{
	for (size_t j = 0; j < roms_count; j++)
		if (j != i && rows[i].size && strcmp(rows[i].sha256, rows[j].sha256) == 0)
			return roms[j].name;
	return NULL;
}
