/* Fuzz target of the tracker protocols. Byte 0 picks the protocol, byte 1 the channel: bit 0
 * lenient, bit 1 UDP, bit 2 a connection that has an ident already. The rest is one datagram, or a
 * stream that must give the same whole, byte by byte and cut at random places. Messages must be
 * JSON. Seeds: seed_protocols.py makes them of the goldens. */
#include "replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    FLAG_LENIENT = 1,
    FLAG_UDP = 2,
    FLAG_IDENT = 4,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count;
    const struct protocol *const *protocols = protocol_list(&count);
    if (size < 2)
        return 0;
    uint8_t flags = data[1];
    struct span bytes = span_of(data + 2, size - 2);
    struct replay_setup setup = {
        .protocol = protocols[data[0] % count],
        .transport = flags & FLAG_UDP ? PROTOCOL_UDP : PROTOCOL_TCP,
        .is_lenient = flags & FLAG_LENIENT,
        .ident = flags & FLAG_IDENT ? "123456789012345" : NULL,
    };
    if (!(setup.protocol->transports & setup.transport))
        return 0;
    if (setup.transport == PROTOCOL_UDP) {
        struct replay *replay = replay_new(setup);
        replay_decode(replay, bytes);
        replay_free(&replay);
    } else if (!replay_is_cut_proof(setup, bytes, 2)) {
        __builtin_trap();
    }
    return 0;
}
