/* Fuzz target of the PROXY header. What is called a header must end there and nowhere before, stay
 * within its limit, and give the same answer whatever follows; what waits for more must be short
 * enough to wait. */
#include "net/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_true)
{
    if (!is_true)
        __builtin_trap();
}

static void check_header(struct span in, size_t n, const struct proxy_header *h)
{
    struct proxy_header again;
    char text[NET_ADDRESS_TEXT_MAX];
    check(n <= in.n && n <= PROXY_HEADER_MAX);
    check(proxy_header_parse(span_head(in, n), &again) == (int)n);
    check(again.has_source == h->has_source);
    for (size_t cut = 0; cut < n; cut++)
        check(proxy_header_parse(span_head(in, cut), &again) == 0);
    if (h->has_source)
        check(net_address_text(&h->source, text) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    struct proxy_header h;
    int n = proxy_header_parse(in, &h);
    if (n > 0)
        check_header(in, (size_t)n, &h);
    else if (n == 0)
        check(size < PROXY_HEADER_MAX);
    return 0;
}
