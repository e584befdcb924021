/* How a simulated vehicle moves: a point mass on a line of way-points, in steps of a quarter
 * second. It never goes faster than it could still brake for what comes next. */
#include "app/vehicle.h"

#include <math.h>

#define STEP_S 0.25
/* Close enough to a light to stand. */
#define STOP_M 0.25
#define LIGHT_SHARE 4 /* every fourth way-point is red */
#define LIGHT_MIN_S 5
#define LIGHT_MAX_S 25
/* A right angle is driven through at this speed, a straight line at the limit. */
#define CORNER_SPEED 5.0
#define TURN_SPEED 2.5

static uint64_t draw(struct vehicle *v)
{
    /* splitmix64: good enough for traffic lights. */
    uint64_t z = v->chance += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static double limit_of(const struct vehicle *v)
{
    return v->route->limit_kmh / 3.6;
}

/* The way-point after `at`; turns back at the ends of a route that is no loop. */
static size_t next_point(const struct vehicle *v, size_t at, bool *is_returning)
{
    size_t count = v->route->count;
    if (v->route->is_loop)
        return (at + 1) % count;
    if (at + 1 == count)
        *is_returning = true;
    else if (at == 0)
        *is_returning = false;
    return *is_returning ? at - 1 : at + 1;
}

/* How fast one may be at way-point `at`, coming from `from` and going on to `to`. */
static double corner_speed(const struct vehicle *v, size_t from, size_t at, size_t to)
{
    const struct route_point *p = v->route->points;
    if (from == to)
        return TURN_SPEED;
    double bend = fabs(route_direction_deg(p[at], p[to]) - route_direction_deg(p[from], p[at]));
    bend = bend > 180 ? 360 - bend : bend;
    double share = fmin(1, bend / 90);
    return limit_of(v) + (CORNER_SPEED - limit_of(v)) * share;
}

static void enter_segment(struct vehicle *v, size_t from)
{
    bool is_returning = v->is_returning;
    v->from = from;
    v->to = next_point(v, from, &is_returning);
    v->is_returning = is_returning;
    v->segment_m = route_distance_m(v->route->points[v->from], v->route->points[v->to]);
    v->along_m = 0;
    size_t after = next_point(v, v->to, &is_returning);
    bool is_red = draw(v) % LIGHT_SHARE == 0;
    v->end_speed = is_red ? 0 : corner_speed(v, v->from, v->to, after);
}

void vehicle_init(struct vehicle *v, uint64_t seed)
{
    *v = (struct vehicle){.route = &routes[seed % route_count], .chance = seed};
    enter_segment(v, draw(v) % v->route->count);
    v->along_m = v->segment_m * (double)(draw(v) % 512) / 1024;
    v->mileage_m = (double)(draw(v) % 200000) * 1000;
}

static void arrive(struct vehicle *v)
{
    if (v->end_speed <= 0) {
        v->speed = 0;
        v->wait_s = LIGHT_MIN_S + (double)(draw(v) % (LIGHT_MAX_S - LIGHT_MIN_S));
    }
    enter_segment(v, v->to);
}

static void step(struct vehicle *v, double seconds)
{
    if (v->wait_s > 0) {
        v->wait_s -= seconds;
        return;
    }
    double left_m = v->segment_m - v->along_m;
    /* The speed for this step after which it can still brake to the wanted one at the end:
     * v * v = end * end + 2 * braking * (left - v * seconds), solved for v. */
    double braked = VEHICLE_BRAKING_MAX * seconds;
    double allowed =
        sqrt(braked * braked + v->end_speed * v->end_speed + 2 * VEHICLE_BRAKING_MAX * left_m) -
        braked;
    double wanted = fmin(v->speed + VEHICLE_ACCELERATION_MAX * seconds, limit_of(v));
    v->speed = fmin(wanted, allowed);
    double moved_m = fmin(v->speed * seconds, left_m);
    v->along_m += moved_m;
    v->mileage_m += moved_m;
    left_m = v->segment_m - v->along_m;
    if (left_m <= (v->end_speed > 0 ? 0 : STOP_M))
        arrive(v);
}

void vehicle_advance(struct vehicle *v, double seconds)
{
    for (; seconds > STEP_S; seconds -= STEP_S)
        step(v, STEP_S);
    step(v, seconds);
}

struct route_point vehicle_position(const struct vehicle *v)
{
    const struct route_point a = v->route->points[v->from], b = v->route->points[v->to];
    double share = v->segment_m > 0 ? v->along_m / v->segment_m : 0;
    return (struct route_point){
        a.latitude + (b.latitude - a.latitude) * share,
        a.longitude + (b.longitude - a.longitude) * share,
    };
}

double vehicle_direction_deg(const struct vehicle *v)
{
    return route_direction_deg(v->route->points[v->from], v->route->points[v->to]);
}
