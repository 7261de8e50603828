#include "boot/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assets/asset.h"
#include "boot/machine_script.h"
#include "boot/name.h"
#include "boot/own_script.h"
#include "boot/script.h"
#include "boot/shelf.h"
#include "boot/tree.h"

static void
give(struct resolution *r, struct content *c)
{
	r->content = c;
	r->kind = c ? RESOLVED_CONTENT : RESOLVED_BUSY;
	snprintf(r->note, sizeof(r->note), "%s", c ? "" : "out of memory");
}

/* What the errno of an open means to a client, and the note that says it. */
static void
refuse(struct resolution *r, int err)
{
	const char *text = strerror(-err);

	switch (-err) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
		r->kind = RESOLVED_NOT_FOUND;
		break;
	case EACCES:
	case EPERM:
		r->kind = RESOLVED_DENIED;
		text = "the server may not read it (check its owner and mode)";
		break;
	case EINVAL:
		r->kind = RESOLVED_DENIED;
		text = "not a regular file";
		break;
	case ENAMETOOLONG:
	case EXDEV: /* beneath: the kernel saw the name leave the tree */
		r->kind = RESOLVED_BAD_NAME;
		break;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		r->kind = RESOLVED_BUSY;
		break;
	default:
		r->kind = RESOLVED_FAILED;
	}
	snprintf(r->note, sizeof(r->note), "%.200s: %s", r->name, text);
}

/* Serves `name` below `dir`; false, and nothing said, when it is not there. */
static bool
from_tree(struct resolution *r, const char *dir, const char *name)
{
	struct content *kept = shelf_find(dir, name);
	struct stat st;
	int fd;

	if (kept != NULL) {
		give(r, kept);
		return true;
	}
	fd = tree_open(dir, name, &st);
	if (fd < 0) {
		refuse(r, fd);
		return r->kind != RESOLVED_NOT_FOUND;
	}
	if (S_ISDIR(st.st_mode)) {
		r->kind = RESOLVED_DIRECTORY;
		r->dir = fd;
		r->note[0] = '\0';
	} else
		give(r, shelf_open(dir, name, fd, &st, content_type_of(name)));
	return true;
}

/* The same for regular files only: a directory named as a ROM is none. */
static bool
file_from_tree(struct resolution *r, const char *dir, const char *name)
{
	if (dir == NULL || !from_tree(r, dir, name))
		return false;
	if (r->kind != RESOLVED_DIRECTORY)
		return true;
	resolution_done(r);
	return false;
}

static void
empty_slot(struct resolution *r, const struct rom *rom)
{
	r->kind = RESOLVED_NOT_FOUND;
	snprintf(r->note, sizeof(r->note),
		"%s is an empty slot (%s): put a ROM of that name into a directory and "
		"start "
		"pixie with --roms DIR, or build with -Droms=DIR",
		rom->name, rom->what);
}

/*
 * A ROM: the user's own by the asked name, then by its other names, then the
 * embedded one. Anything else in the --roms directory is served too: a signed
 * shim asks for its second stage and its revocation list beside itself.
 */
static bool
try_rom(const struct site *site, struct resolution *r)
{
	const struct rom *rom = rom_find(r->name);
	const struct asset *a = rom ? asset_find(rom->name) : NULL;

	if (file_from_tree(r, site->roms, r->name))
		return true;
	if (rom == NULL)
		return false;
	if (file_from_tree(r, site->roms, rom->name))
		return true;
	if (*rom->alias && file_from_tree(r, site->roms, rom->alias))
		return true;
	if (a != NULL)
		give(r, content_static(a->data, a->len, content_type_of(a->name),
				a->sha256, asset_mtime()));
	else
		empty_slot(r, rom);
	return true;
}

/* A script at the root: the admin's, else ours, from its template. */
static bool
try_script(const struct site *site, const struct asked *asked, struct resolution *r,
	const char *name, const char *template)
{
	if (strcasecmp(r->name, name) != 0)
		return false;
	if (own_script_skips_menu(site, asked, r))
		return true;
	if (!file_from_tree(r, site->scripts, name))
		give(r, script_from_template(template, site, asked));
	return true;
}

/* "<mac>.ipxe" and no file of exactly that name: the machine's other names. */
static void
try_machine(const struct site *site, struct resolution *r, const struct machine_names *m)
{
	char file[256];

	if (machine_script_find(site->scripts, m, file) &&
		from_tree(r, site->scripts, file)) {
		if (r->kind == RESOLVED_CONTENT)
			snprintf(r->note, sizeof(r->note), "%s", file);
		return;
	}
	if (access(site->scripts, R_OK | X_OK) < 0) {
		r->kind = RESOLVED_FAILED;
		snprintf(r->note, sizeof(r->note), "the script directory %.200s: %s",
			site->scripts, strerror(errno));
		return;
	}
	r->kind = RESOLVED_NOT_FOUND;
	snprintf(r->note, sizeof(r->note), "no script for this machine; looked for ");
	machine_script_tried(
		m, r->note + strlen(r->note), sizeof(r->note) - strlen(r->note));
}

static void
in_scripts(const struct site *site, const struct asked *asked, struct resolution *r,
	const char *name)
{
	struct machine_names m;
	bool own = machine_names_from(name, asked->query, &m);

	if (!from_tree(r, site->scripts, name) && own)
		try_machine(site, r, &m);
	if (own)
		own_script_give(site, asked, &m.mac, r);
	else
		own_script_fill_in(site, asked, r);
}

static void
in_extra(const struct site *site, struct resolution *r, const char *name)
{
	if (site->extra != NULL) {
		from_tree(r, site->extra, name);
		return;
	}
	r->kind = RESOLVED_NOT_FOUND;
	snprintf(r->note, sizeof(r->note),
		"%.200s: no such ROM or script, and no extra directory (option -e)",
		r->name);
}

/* Whether a part of the name is one of pixie's own files. */
static bool
is_pixies(const char *name)
{
	static const char own[] = ".pixie";

	for (const char *p = name; p != NULL; p = strchr(p, '/')) {
		p += *p == '/';
		if (strncasecmp(p, own, strlen(own)) == 0)
			return true;
	}
	return false;
}

/* What follows "FOLDER/" (or "" for the folder itself), or NULL for other names. */
static const char *
below(const char *name, const char *folder)
{
	size_t n = strlen(folder);

	if (strncmp(name, folder, n) != 0 || (name[n] != '/' && name[n] != '\0'))
		return NULL;
	return name[n] ? name + n + 1 : name + n;
}

void
resolve(const struct site *site, const struct asked *asked, struct resolution *r)
{
	const char *why, *rest;

	r->content = NULL;
	r->dir = -1;
	r->note[0] = '\0';
	if (!name_clean(asked->name, asked->len, r->name, &why)) {
		r->kind = RESOLVED_BAD_NAME;
		snprintf(r->note, sizeof(r->note), "%s", why);
	} else if (is_pixies(r->name)) {
		r->kind = RESOLVED_DENIED;
		snprintf(r->note, sizeof(r->note), "%.200s: a file of pixie's own",
			r->name);
	} else if (*r->name == '\0') {
		r->kind = RESOLVED_NOT_FOUND;
		snprintf(r->note, sizeof(r->note),
			"nothing at the root; ask for chain.ipxe, a ROM, ipxe/… or "
			"extra/…");
	} else if ((rest = below(r->name, "ipxe")) != NULL)
		in_scripts(site, asked, r, rest);
	else if ((rest = below(r->name, "extra")) != NULL)
		in_extra(site, r, rest);
	else if (!try_script(site, asked, r, "chain.ipxe", "chain.ipxe.in") &&
		 !try_script(site, asked, r, "autoexec.ipxe", "autoexec.ipxe.in") &&
		 !try_rom(site, r))
		in_extra(site, r, r->name);
}

void
resolution_done(struct resolution *r)
{
	content_unref(r->content);
	if (r->dir >= 0)
		close(r->dir);
	r->content = NULL;
	r->dir = -1;
}
