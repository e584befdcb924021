/* A simulated vehicle that drives along a route: it speeds up and brakes as cars do, slows down for
 * bends, stops at some lights. Pure: time is what the caller says has passed, chance comes from a
 * seed, so that the same seed drives the same way. */
#ifndef TRACKWIRE_APP_VEHICLE_H
#define TRACKWIRE_APP_VEHICLE_H

#include "app/routes.h"

#include <stdint.h>

/* What cars in a city keep to, metres per second squared. */
#define VEHICLE_ACCELERATION_MAX 1.6
#define VEHICLE_BRAKING_MAX 2.2

struct vehicle {
    const struct route *route;
    uint64_t chance;   /* state of the random numbers */
    size_t from, to;   /* the way-points it is between */
    bool is_returning; /* towards the first point */
    double segment_m;  /* from `from` to `to` */
    double along_m;    /* of that, driven */
    double end_speed;  /* wanted at `to`, m/s; 0: it stops there */
    double speed;      /* m/s */
    double wait_s;     /* stands at a light for so long */
    double mileage_m;
};

/* Vehicle number `seed`: on one of the routes, somewhere along it, standing. */
void vehicle_init(struct vehicle *v, uint64_t seed);
void vehicle_advance(struct vehicle *v, double seconds);
struct route_point vehicle_position(const struct vehicle *v);
double vehicle_direction_deg(const struct vehicle *v);
static inline double vehicle_speed_kmh(const struct vehicle *v)
{
    return v->speed * 3.6;
}

#endif
