/* The streets that simulated trackers drive along. */
#include "app/routes.h"

#include <math.h>

#define EARTH_RADIUS_M 6371008.8

/* Vilnius, Gedimino prospektas: from the Cathedral to the Parliament. */
static const struct route_point vilnius[] = {
    {54.68583, 25.28556}, {54.68655, 25.28232}, {54.68732, 25.27880}, {54.68815, 25.27505},
    {54.68898, 25.27125}, {54.68985, 25.26730}, {54.69057, 25.26400},
};

/* Paris: Porte Maillot, Étoile, Champs-Élysées, Concorde, rue de Rivoli, Bastille. */
static const struct route_point paris[] = {
    {48.87800, 2.28230}, {48.87590, 2.28880}, {48.87380, 2.29500}, {48.87200, 2.30070},
    {48.87040, 2.30560}, {48.86880, 2.31040}, {48.86560, 2.32120}, {48.86640, 2.32360},
    {48.86450, 2.32940}, {48.86230, 2.33650}, {48.86080, 2.34070}, {48.85870, 2.34720},
    {48.85710, 2.35220}, {48.85530, 2.36110}, {48.85320, 2.36920},
};

/* Berlin: Theodor-Heuss-Platz, Kaiserdamm, Bismarckstraße, Straße des 17. Juni, Brandenburg Gate.
 */
static const struct route_point berlin[] = {
    {52.50980, 13.27290}, {52.51000, 13.28180}, {52.51100, 13.29650},
    {52.51180, 13.31050}, {52.51280, 13.32190}, {52.51360, 13.33600},
    {52.51450, 13.35010}, {52.51550, 13.36450}, {52.51610, 13.37500},
};

/* Wien, the Ring, whole, against the clock as the traffic goes. */
static const struct route_point wien[] = {
    {48.21700, 16.37100}, {48.21190, 16.37780}, {48.21120, 16.38380}, {48.20680, 16.38000},
    {48.20350, 16.37950}, {48.20150, 16.37450}, {48.20260, 16.36900}, {48.20420, 16.36250},
    {48.20590, 16.35920}, {48.20830, 16.35900}, {48.21040, 16.36140}, {48.21450, 16.36200},
};

/* Madrid, paseo de la Castellana: from Colón to the plaza de Castilla. */
static const struct route_point madrid[] = {
    {40.42510, -3.68930}, {40.43430, -3.68830}, {40.44630, -3.69240},
    {40.45850, -3.68990}, {40.46660, -3.68930},
};

/* Berlin, Karl-Marx-Allee: from Alexanderplatz to Frankfurter Tor. */
static const struct route_point karl_marx_allee[] = {
    {52.52130, 13.41640}, {52.52030, 13.42200}, {52.51810, 13.43290},
    {52.51680, 13.44530}, {52.51580, 13.45420},
};

/* New York, Fifth Avenue: from Washington Square to the north end of Central Park. */
static const struct route_point new_york[] = {
    {40.73120, -73.99700}, {40.73530, -73.99380}, {40.74150, -73.98930}, {40.74850, -73.98450},
    {40.75340, -73.98090}, {40.76450, -73.97300}, {40.79700, -73.94930},
};

#define POINTS(table) sizeof(table) / sizeof((table)[0]), table

const struct route routes[] = {
    {"Vilnius, Gedimino prospektas", 100, 50, false, POINTS(vilnius)},
    {"Paris, Champs-Elysees and rue de Rivoli", 40, 50, false, POINTS(paris)},
    {"Berlin, Strasse des 17. Juni", 38, 50, false, POINTS(berlin)},
    {"Wien, Ringstrasse", 171, 50, true, POINTS(wien)},
    {"Madrid, paseo de la Castellana", 690, 50, false, POINTS(madrid)},
    {"Berlin, Karl-Marx-Allee", 36, 50, false, POINTS(karl_marx_allee)},
    {"New York, Fifth Avenue", 15, 40, false, POINTS(new_york)},
};

const size_t route_count = sizeof(routes) / sizeof(routes[0]);

static double radians(double degrees)
{
    return degrees * M_PI / 180;
}

double route_distance_m(struct route_point a, struct route_point b)
{
    double half_latitude = radians(b.latitude - a.latitude) / 2;
    double half_longitude = radians(b.longitude - a.longitude) / 2;
    double h = sin(half_latitude) * sin(half_latitude) +
               cos(radians(a.latitude)) * cos(radians(b.latitude)) * sin(half_longitude) *
                   sin(half_longitude);
    return 2 * EARTH_RADIUS_M * asin(fmin(1, sqrt(h)));
}

double route_direction_deg(struct route_point a, struct route_point b)
{
    double turn = radians(b.longitude - a.longitude);
    double from = radians(a.latitude), to = radians(b.latitude);
    double y = sin(turn) * cos(to);
    double x = cos(from) * sin(to) - sin(from) * cos(to) * cos(turn);
    double degrees = atan2(y, x) * 180 / M_PI;
    return degrees < 0 ? degrees + 360 : degrees;
}
