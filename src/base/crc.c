/* CRC-16, four bits at a time: a 16-entry table stays in one cache line. */
#include "base/crc.h"

uint16_t crc16_arc(struct span s)
{
    static const uint16_t nibble[16] = {
        0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401,
        0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400,
    };
    uint16_t crc = 0;
    for (size_t i = 0; i < s.n; i++) {
        crc ^= s.p[i];
        crc = (uint16_t)(crc >> 4 ^ nibble[crc & 15]);
        crc = (uint16_t)(crc >> 4 ^ nibble[crc & 15]);
    }
    return crc;
}
