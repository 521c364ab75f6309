/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * explain.c - prints when and why a device bounces: the policy's own table,
 * for people (`ninja explain`).
 *
 * It shows the rules that bounce_policy_decide() runs, in their order, and then
 * tries every combination of facts. Exit status 1: one has no rule.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bounce/policy.h>

#define COMBINATIONS (UINT32_C(1) << BOUNCE_FACTS)

/* Columns: "nn  " facts "  " verdict, path, accept, and the reason, wrapped. */
#define WIDTH 140
#define REASON_COLUMN (4 + 2 * BOUNCE_FACTS + 1 + 9 + 8 + 8)

struct fact {
	const char *name;
	const char *meaning;
};

/* By bit: enum bounce_fact. */
static const struct fact facts[BOUNCE_FACTS] = {
	{ "PROTECTED", "guest memory is protected, or nobody can tell" },
	{ "VERSION_1", "the device offers VERSION_1: it is not legacy" },
	{ "ACCESS_PLATFORM", "the device offers ACCESS_PLATFORM" },
	{ "CCW", "the device sits on a channel subsystem" },
	{ "ATTESTED", "the device is attested for private memory" },
	{ "REACHABLE", "its path reaches the buffer where it is" },
	{ "UNTRUSTED", "it is not trusted with a page's other bytes" },
	{ "SUBPAGE", "the buffer does not fill whole pages" },
	{ "PAGE_NUMBERS",
	  "it is passed page numbers, not addresses (balloon)" },
	{ "POOL", "a shared pool is there, and the device reaches it" },
	{ "POOL_FAILED", "its own pool could not be set up" },
	{ "FEATURES_REJECTED", "FEATURES_OK did not stick" },
	{ "STRICT", "embedder: refuse what lacks ACCESS_PLATFORM" },
	{ "CCW_DECLINE", "embedder: decline ACCESS_PLATFORM on ccw" },
	{ "FORCE", "embedder: bounce though nothing asks for it" },
	{ "UNNEGOTIATED", "secure since the features were negotiated" },
	{ "ALIASED", "its requester ID is that of a device in another space" },
	{ "UNNUMBERED", "no requester ID: a bridge above has no number" },
	{ "INCOHERENT", "of another coherency class than its space" },
};

static void print_legend(void)
{
	printf("Facts of a device and a buffer. In the table: Y it is so, "
	       "n it is not, - it does not matter.\n\n");
	for (int i = 0; i < BOUNCE_FACTS; i++)
		printf("  %c  %-18s %s\n", 'a' + i, facts[i].name,
		       facts[i].meaning);
	printf("\nThe first rule that matches decides. Path: which windows give"
	       " the device its addresses.\nAccept: the driver accepts"
	       " ACCESS_PLATFORM.\n\n");
}

static void print_head(void)
{
	printf("    ");
	for (int i = 0; i < BOUNCE_FACTS; i++)
		printf("%c ", 'a' + i);
	printf(" %-9s%-8s%-8s%s\n", "verdict", "path", "accept", "reason");
}

/* Words from REASON_COLUMN on, over as many lines as it takes. */
static void print_wrapped(const char *text)
{
	size_t column = REASON_COLUMN;

	while (*text != '\0') {
		size_t word = strcspn(text, " ");

		if (column + 1 + word > WIDTH) {
			printf("\n%*s", REASON_COLUMN, "");
			column = REASON_COLUMN;
		}
		if (column > REASON_COLUMN)
			column += (size_t)printf(" ");
		column += (size_t)printf("%.*s", (int)word, text);
		text += word;
		text += strspn(text, " ");
	}
	printf("\n");
}

static void print_reason(unsigned reason)
{
	print_wrapped(bounce_reason_text(reason));
	printf("%*s[%s]\n", REASON_COLUMN, "", bounce_reason_source(reason));
}

static void print_rule(uint32_t number, const struct bounce_rule *rule)
{
	static const char *const verdicts[] = { "REFUSE", "BOUNCE", "DIRECT" };
	static const char *const paths[] = { "bus", "bypass" };
	const struct bounce_verdict *verdict = &rule->verdict;
	bool refused = verdict->kind == BOUNCE_VERDICT_REFUSE;

	printf("%2u  ", number);
	for (uint32_t bit = 1; bit < COMBINATIONS; bit <<= 1) {
		char must = (rule->facts & bit) != 0 ? 'Y' : 'n';

		printf("%c ", (rule->mask & bit) != 0 ? must : '-');
	}
	printf(" %-9s%-8s%-8s", verdicts[verdict->kind],
	       refused ? "-" : paths[verdict->path],
	       verdict->accept != 0 ? "yes" : "no");
	print_reason(verdict->reason);
}

/* Does a rule match, and is its verdict the one that is given? */
static bool covered(const struct bounce_rule *rules, uint32_t count,
		    uint32_t combination)
{
	struct bounce_verdict verdict = bounce_policy_decide(combination);

	for (uint32_t i = 0; i < count; i++)
		if ((combination & rules[i].mask) == rules[i].facts)
			return memcmp(&verdict, &rules[i].verdict,
				      sizeof(verdict)) == 0;
	return false;
}

int main(void)
{
	uint32_t count;
	const struct bounce_rule *rules = bounce_policy_rules(&count);
	uint32_t missing = 0;

	print_legend();
	print_head();
	for (uint32_t i = 0; i < count; i++)
		print_rule(i + 1, &rules[i]);
	for (uint32_t i = 0; i < COMBINATIONS; i++)
		missing += !covered(rules, count, i);
	if (missing != 0) {
		printf("\n%u rules leave %u of %u combinations of facts"
		       " without their verdict\n",
		       count, missing, COMBINATIONS);
		return EXIT_FAILURE;
	}
	printf("\n%u rules cover all %u combinations of facts\n", count,
	       COMBINATIONS);
	return EXIT_SUCCESS;
}
