/* The banner: what was started, where, and what to try next. */
#include "app/banner.h"

#include "app/command.h"

/* A client on this machine reaches an address that means "all" by loopback. */
static void client_host(const struct net_address *address, char *out)
{
    const struct sockaddr_in6 *v6 = &address->v6;
    bool is_any = address->any.sa_family == AF_INET
                      ? address->v4.sin_addr.s_addr == htonl(INADDR_ANY)
                      : IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
    if (is_any)
        (void)snprintf(out, NET_ADDRESS_TEXT_MAX, "%s",
                       address->any.sa_family == AF_INET ? "127.0.0.1" : "::1");
    else
        (void)net_address_host_text(address, out);
}

static void print_listener(FILE *out, const char *name, const char *scheme,
                           const struct net_address *address)
{
    char text[NET_ADDRESS_TEXT_MAX] = "off";
    if (address->n)
        (void)net_address_text(address, text);
    fprintf(out, "  %-9s %s%s\n", name, address->n ? scheme : "", text);
}

static void print_try(FILE *out, const struct banner *banner)
{
    char host[NET_ADDRESS_TEXT_MAX];
    if (!banner->mqtt.n)
        return;
    client_host(&banner->mqtt, host);
    fprintf(out, "  %-9s mosquitto_sub -h %s -p %u -u %s -t 'flespi/message/gw/devices/+'\n", "try",
            host, net_address_port(&banner->mqtt),
            banner->new_token[0] ? banner->new_token : "\"$TRACKWIRE_MASTER_TOKEN\"");
}

void banner_print(FILE *out, const struct banner *banner)
{
    const struct config *config = banner->config;
    fprintf(out, "%s\n", TRACKWIRE_NAME);
    fprintf(out, "  %-9s %s%s\n", "data", config->data, banner->new_token[0] ? " (new)" : "");
    print_listener(out, "mqtt", "", &banner->mqtt);
    print_listener(out, "mqtts", "", &banner->mqtts);
    print_listener(out, "http", "http://", &banner->http);
    print_listener(out, "https", "https://", &banner->https);
    if (banner->self_signed)
        fprintf(out, "  %-9s self-signed: %s (--tls-cert and --tls-key name others)\n", "tls",
                banner->self_signed);
    fprintf(out, "  %-9s ports %u to %u on %s\n", "channels", config->channels.low,
            config->channels.high, config->channels_host);
    if (banner->new_token[0])
        fprintf(out, "  %-9s %s (shown this once; only its hash is kept)\n", "token",
                banner->new_token);
    if (config->is_anonymous)
        fprintf(out, "  %-9s clients without a token are let in (--anonymous)\n", "anonymous");
    print_try(out, banner);
}
