/* Way-points along real streets, for simulated trackers. Public knowledge of a map's precision: a
 * point lies on its street, give or take a few metres. */
#ifndef TRACKWIRE_APP_ROUTES_H
#define TRACKWIRE_APP_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

struct route_point {
    double latitude, longitude; /* degrees, WGS 84 */
};

struct route {
    const char *name;
    double altitude_m;
    double limit_kmh; /* how fast one drives there */
    bool is_loop;     /* the last point joins the first; else one turns back at the ends */
    size_t count;
    const struct route_point *points;
};

extern const struct route routes[];
extern const size_t route_count;

/* Metres along the great circle, and the direction of departure: degrees clockwise from north. */
double route_distance_m(struct route_point a, struct route_point b);
double route_direction_deg(struct route_point a, struct route_point b);

#endif
