/* The admin's token: who knows it may change things over TCP. */
#ifndef PIXIE_CMD_TOKEN_H
#define PIXIE_CMD_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#define TOKEN_MIN 16
#define TOKEN_TEXT 257

/*
 * Reads the token from `path`. Where there is no such file, makes one that only this
 * user may read, with a token of 256 random bits, and prints that on standard output,
 * once. EX_OK, or an exit status after one line that says what is wrong.
 */
int token_read(const char *path, char token[static TOKEN_TEXT]);

#endif
