/* /roms: what is served under each ROM's name, and the slots that are empty. */
#include <stdlib.h>

#include "assets/asset.h"
#include "boot/rom_list.h"
#include "http/api_inside.h"
#include "http/shape.h"

static json_t *
shape_rom(const struct rom_row rows[], size_t i)
{
	const struct rom_row *row = &rows[i];
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(roms[i].name));
	json_object_set_new(o, "alias", shape_text(roms[i].alias));
	json_object_set_new(o, "arch", json_string(roms[i].arch));
	json_object_set_new(o, "what", json_string(roms[i].what));
	json_object_set_new(o, "bytes",
		row->size ? json_integer((json_int_t)row->size) : json_null());
	json_object_set_new(o, "sha256", shape_text(row->sha256));
	json_object_set_new(o, "version", shape_text(row->version));
	json_object_set_new(o, "source", shape_text(row->source));
	json_object_set_new(
		o, "same_as", shape_text(row->size ? rom_same_as(rows, i) : NULL));
	return o;
}

bool
roms_call(struct call *call)
{
	struct rom_row *rows = rom_rows(call->api->o.site->roms);
	json_t *list = json_array(), *o = json_object();

	for (size_t i = 0; rows != NULL && i < roms_count; i++)
		json_array_append_new(list, shape_rom(rows, i));
	free(rows);
	json_object_set_new(o, "roms", list);
	call_json(call, 200, o);
	return true;
}
