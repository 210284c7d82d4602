/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files by which a kernel tells and is told: settings, counters, modules. Plain
 * C, for tests with and without a guest. See lib/files.c.
 */
#ifndef FILES_H
#define FILES_H

char *read_text(const char *path);
int write_text(const char *path, const char *text);
long read_number(const char *path);
int load_module(const char *name);
long env_number(const char *name, long otherwise);

#endif /* FILES_H */
