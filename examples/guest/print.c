/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * print.c - integer-only formatted output, a line at a time.
 *
 * One line buffer: only the first CPU prints.
 */
#include <stdarg.h>

#include "guest.h"

static char line[160];
static size_t used;

static void flush(void)
{
	cpu_console(line, used);
	used = 0;
}

static void put(char c)
{
	line[used++] = c;
	if (c == '\n' || used == sizeof(line))
		flush();
}

static void put_text(const char *text)
{
	while (*text != '\0')
		put(*text++);
}

/* What stands between '%' and the letter. */
struct format {
	unsigned base;
	unsigned width;
	char pad;
	bool wide; /* l: 64 bits */
};

static void put_number(uint64_t number, const struct format *format)
{
	char digit[20]; /* 2^64 - 1 in decimal */
	unsigned count = 0;

	do {
		digit[count++] = "0123456789abcdef"[number % format->base];
		number /= format->base;
	} while (number != 0);
	for (unsigned i = count; i < format->width; i++)
		put(format->pad);
	while (count > 0)
		put(digit[--count]);
}

static void put_signed(int64_t number, const struct format *format)
{
	if (number < 0)
		put('-');
	put_number(number < 0 ? -(uint64_t)number : (uint64_t)number, format);
}

static const char *parse(const char *at, struct format *format)
{
	*format = (struct format) { .base = 10, .pad = ' ' };
	if (*at == '0')
		format->pad = *at++;
	while (*at >= '0' && *at <= '9')
		format->width = format->width * 10 + (unsigned)(*at++ - '0');
	if (*at == 'l') {
		format->wide = true;
		at++;
	}
	if (*at == 'x')
		format->base = 16;
	return at;
}

void guest_print(const char *text, ...)
{
	struct format format;
	va_list ap;

	va_start(ap, text);
	for (; *text != '\0'; text++) {
		if (*text != '%') {
			put(*text);
			continue;
		}
		text = parse(text + 1, &format);
		if (*text == 's')
			put_text(va_arg(ap, const char *));
		else if (*text == 'c')
			put((char)va_arg(ap, int));
		else if (*text == 'd')
			put_signed(format.wide ? va_arg(ap, long) :
						 va_arg(ap, int),
				   &format);
		else if (*text == 'u' || *text == 'x')
			put_number(format.wide ? va_arg(ap, unsigned long) :
						 va_arg(ap, unsigned),
				   &format);
		else
			put(*text);
	}
	va_end(ap);
}
