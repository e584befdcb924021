/* The text format of Prometheus: families, labels with whatever is in them, values. */
#include "rest/exposition.h"

#include "rest/process_figures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct buf out;
static struct exposition e;

static int set_up(void **state)
{
    (void)state;
    out = buf_make(MEM_REST, 65536);
    e = (struct exposition){.out = &out};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_fini(&out);
    return 0;
}

static void expect(const char *text)
{
    buf_add_u8(&out, 0);
    assert_false(out.is_failed);
    assert_string_equal((const char *)out.p, text);
}

static void writes_a_plain_figure(void **state)
{
    (void)state;
    exposition_one(&e, "x_total", "counter", "What it is.", UINT64_MAX);
    expect("# HELP x_total What it is.\n"
           "# TYPE x_total counter\n"
           "x_total 18446744073709551615\n");
}

static void writes_labels(void **state)
{
    (void)state;
    exposition_family(&e, "x", "gauge", "X.");
    exposition_sample(&e, "");
    exposition_label(&e, "a", SPAN_LIT("1"));
    exposition_label(&e, "b", SPAN_LIT(""));
    exposition_value(&e, 7);
    exposition_sample(&e, "_sum");
    exposition_value(&e, 8);
    expect("# HELP x X.\n# TYPE x gauge\nx{a=\"1\",b=\"\"} 7\nx_sum 8\n");
}

/* A client may call itself anything; it must not be able to write a line of its own. */
static void escapes_labels(void **state)
{
    (void)state;
    exposition_family(&e, "x", "gauge", "X.");
    exposition_sample(&e, "");
    exposition_label(&e, "client", SPAN_LIT("a\"} 1\nx{b=\"\\\n\xC3\xA4\t#"));
    exposition_value(&e, 0);
    expect("# HELP x X.\n# TYPE x gauge\n"
           "x{client=\"a\\\"} 1\\nx{b=\\\"\\\\\\n\xC3\xA4\t#\"} 0\n");
}

static void writes_seconds(void **state)
{
    (void)state;
    exposition_family(&e, "x", "gauge", "X.");
    static const int64_t times[] = {0, 1, 999999, 1000000, 1234567890123456, -5};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        exposition_sample(&e, "");
        exposition_seconds(&e, times[i]);
    }
    expect("# HELP x X.\n# TYPE x gauge\nx 0.000000\nx 0.000001\nx 0.999999\nx 1.000000\n"
           "x 1234567890.123456\nx 0.000000\n");
}

static void knows_the_process(void **state)
{
    (void)state;
    struct process_figures before = process_figures();
    FILE *files[10];
    for (int i = 0; i < 10; i++)
        files[i] = fopen("/dev/null", "re");
    struct process_figures after = process_figures();
    for (int i = 0; i < 10; i++)
        (void)fclose(files[i]);
    assert_true(before.resident_bytes > 100000);
    assert_true(before.threads >= 1);
    assert_true(before.max_fds >= 16);
    assert_true(before.open_fds >= 3);
    assert_int_equal(after.open_fds, before.open_fds + 10);
    assert_true(after.cpu_us >= before.cpu_us);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_a_plain_figure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writes_labels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(escapes_labels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writes_seconds, set_up, tear_down),
        cmocka_unit_test(knows_the_process),
    };
    return cmocka_run_group_tests_name("rest/exposition", tests, NULL, NULL);
}
