/*
 * Which scripts there are: the directory read once, to be asked for many machines.
 * machine_script_find() asks a list that is kept while the directory is as it was: with
 * ten thousand scripts, reading it took milliseconds a machine.
 */
#ifndef PIXIE_BOOT_SCRIPT_LIST_H
#define PIXIE_BOOT_SCRIPT_LIST_H

#include <dirent.h>
#include <stddef.h>

#include "boot/machine_script.h"

struct script_list;

/* NULL when the directory cannot be read or memory is short. */
struct script_list *script_list_read(const char *dir);
struct script_list *script_list_of(DIR *d);      /* the same, of an open one; borrowed */
void script_list_free(struct script_list *list); /* NULL is fine */
/* What machine_script_find() finds. Borrowed from the list; NULL: nothing. */
const char *script_list_find(
	const struct script_list *list, const struct machine_names *m);
size_t script_list_count(const struct script_list *list);

#endif
