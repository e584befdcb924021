/* What a simulated Wialon IPS tracker sends: for the simulator, the demo and round-trip tests. */
#include "gateway/protocols/wialon_ips_internal.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/crc.h"

static void add_packet(struct buf *out, const char *type, const char *body)
{
    buf_addf(out, "#%s#%s%04X\r\n", type, body, crc16_arc(span_str(body)));
}

void wialon_encode_login(const struct protocol_sample *sample, struct buf *out)
{
    char body[PROTOCOL_IDENT_MAX + 16];
    (void)snprintf(body, sizeof(body), "2.0;%.*s;NA;", SPAN_FMT(sample->ident));
    add_packet(out, "L", body);
}

/* Degrees as DDMM.MMMMM in `digits` digits of degrees; counted in 1e-5 minutes, so that nothing is
 * rounded up to 60 minutes. */
static void format_angle(double degrees, int digits, char text[32])
{
    long long units = llround(fabs(degrees) * 60 * 1e5);
    (void)snprintf(text, 32, "%0*lld%02lld.%05lld", digits, units / 6000000, units / 100000 % 60,
                   units % 100000);
}

void wialon_encode_report(const struct protocol_sample *sample, enum protocol_transport transport,
                          struct buf *out)
{
    char latitude[32], longitude[32], body[512];
    time_t seconds = (time_t)(sample->time_us / 1000000);
    struct tm tm;
    (void)gmtime_r(&seconds, &tm);
    format_angle(sample->latitude, 2, latitude);
    format_angle(sample->longitude, 3, longitude);
    (void)snprintf(body, sizeof(body),
                   "%02d%02d%02d;%02d%02d%02d;%s;%c;%s;%c;%.1f;%.0f;%.1f;%d;NA;NA;NA;;NA;"
                   "ign:1:%d,pwr_ext:2:%.2f,pwr_int:2:%.2f,mileage:2:%.3f;",
                   tm.tm_mday, tm.tm_mon + 1, tm.tm_year % 100, tm.tm_hour, tm.tm_min, tm.tm_sec,
                   latitude, sample->latitude < 0 ? 'S' : 'N', longitude,
                   sample->longitude < 0 ? 'W' : 'E', sample->speed_kmh, sample->direction_deg,
                   sample->altitude_m, sample->satellites, sample->is_ignition_on ? 1 : 0,
                   sample->external_v, sample->battery_v, (double)sample->mileage_m / 1000);
    if (transport == PROTOCOL_UDP)
        buf_addf(out, "2.0;%.*s", SPAN_FMT(sample->ident));
    add_packet(out, "D", body);
}
