/* Simulated vehicles move as vehicles do. */
#include "app/vehicle.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HOUR_S 3600

static void distances_are_those_of_the_earth(void **state)
{
    (void)state;
    struct route_point vilnius = {54.6872, 25.2797}, kaunas = {54.8985, 23.9036};
    double m = route_distance_m(vilnius, kaunas);
    assert_true(m > 90000 && m < 93000);
    struct route_point north = {54.7872, 25.2797}, west = {54.6872, 25.1797};
    assert_true(fabs(route_direction_deg(vilnius, north)) < 0.01);
    assert_true(fabs(route_direction_deg(vilnius, west) - 270) < 0.1);
    assert_true(fabs(route_direction_deg(west, vilnius) - 90) < 0.1);
}

static void routes_have_no_leaps(void **state)
{
    (void)state;
    assert_in_range(route_count, 3, 1000);
    for (size_t r = 0; r < route_count; r++) {
        assert_in_range(routes[r].count, 3, 1000);
        for (size_t i = 1; i < routes[r].count; i++) {
            double m = route_distance_m(routes[r].points[i - 1], routes[r].points[i]);
            assert_true(m > 50 && m < 5000);
        }
    }
}

/* Drives each route for an hour and looks at it every second. */
static void drive(uint64_t seed)
{
    struct vehicle v;
    vehicle_init(&v, seed);
    double limit = v.route->limit_kmh, driven_m = 0, fastest = 0, mileage_m = v.mileage_m;
    for (int s = 0; s < HOUR_S; s++) {
        struct route_point before = vehicle_position(&v);
        double speed_before = v.speed;
        vehicle_advance(&v, 1);
        double moved_m = route_distance_m(before, vehicle_position(&v));
        double change = v.speed - speed_before;
        assert_true(vehicle_speed_kmh(&v) >= 0 && vehicle_speed_kmh(&v) <= limit + 0.001);
        assert_true(change <= VEHICLE_ACCELERATION_MAX + 0.001);
        assert_true(change >= -VEHICLE_BRAKING_MAX - 1.0); /* and the last step to a stand */
        assert_true(moved_m <= limit / 3.6 + 0.5);
        double direction = vehicle_direction_deg(&v);
        assert_true(direction >= 0 && direction < 360);
        driven_m += moved_m;
        fastest = fmax(fastest, v.speed);
    }
    assert_true(driven_m > 5000);             /* it does not stand for ever */
    assert_true(fastest * 3.6 > limit * 0.9); /* and gets up to speed */
    double counted_m = v.mileage_m - mileage_m;
    assert_true(fabs(counted_m - driven_m) < driven_m * 0.02);
}

static void drives_plausibly(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 3 * route_count; seed++)
        drive(seed);
}

static void the_same_seed_drives_the_same_way(void **state)
{
    (void)state;
    struct vehicle a, b;
    vehicle_init(&a, 5);
    vehicle_init(&b, 5);
    for (int i = 0; i < 600; i++)
        vehicle_advance(&a, 1);
    vehicle_advance(&b, 600);
    struct route_point pa = vehicle_position(&a), pb = vehicle_position(&b);
    assert_true(route_distance_m(pa, pb) < 0.001);
}

static void stays_on_the_street(void **state)
{
    (void)state;
    struct vehicle v;
    vehicle_init(&v, 3);
    assert_true(v.route->is_loop);
    for (int s = 0; s < HOUR_S; s++) {
        vehicle_advance(&v, 1);
        struct route_point at = vehicle_position(&v);
        double a = route_distance_m(v.route->points[v.from], at);
        double b = route_distance_m(at, v.route->points[v.to]);
        assert_true(fabs(a + b - v.segment_m) < 0.5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_those_of_the_earth),
        cmocka_unit_test(routes_have_no_leaps),
        cmocka_unit_test(drives_plausibly),
        cmocka_unit_test(the_same_seed_drives_the_same_way),
        cmocka_unit_test(stays_on_the_street),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
