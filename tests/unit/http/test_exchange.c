/* Exchanges from the first byte to the record: who gets what, and what is written down. */
#include "stage.h"

static struct stage *plain_stage(void)
{
    struct stage *s = stage_open(&(struct house_options){.limits = NULL});
    stage_connect(s, 0);
    return s;
}

static void one_request(void **state)
{
    struct stage *s = plain_stage();
    stage_say(s, GET("/x?a=b"));
    stage_settle(s);
    assert_int_equal(s->n_up, 1);
    assert_text("up", stage_up_heard(s, 0), UP_GET("/x?a=b"));
    assert_text("nothing yet", stage_heard(s), "");
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_text("answer", stage_heard(s), OK_3_SEEN);
    assert_false(stage_is_closed(s));
    json_t *r = house_last(s->house);
    assert_string_equal(member(r, "end"), "complete");
    assert_string_equal(member(r, "status"), "200");
    assert_string_equal(member(r, "bytes_out"), "3");
    assert_string_equal(member(r, "upstream.status"), "200");
    assert_string_equal(member(r, "upstream.reused"), "false");
    assert_string_equal(member(r, "client.address"), "198.51.100.7");
    /* the connections on both sides serve the next one */
    stage_say(s, GET("/y"));
    stage_settle(s);
    assert_int_equal(s->n_up, 1);
    assert_text("up again", stage_up_heard(s, 0), UP_GET("/y"));
    stage_up_say(s, 0, OK_3);
    stage_settle(s);
    assert_text("answer again", stage_heard(s), OK_3_SEEN);
    assert_string_equal(member(house_last(s->house), "upstream.reused"), "true");
    assert_int_equal(json_array_size(house_log(s->house)), 2);
    stage_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request),
    };
    return cmocka_run_group_tests_name("http exchange", tests, NULL, NULL);
}
