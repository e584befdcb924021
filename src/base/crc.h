/* The CRC-16 flavours that tracker protocols use, under the names of the CRC catalogue. Pure. */
#ifndef TRACKWIRE_BASE_CRC_H
#define TRACKWIRE_BASE_CRC_H

#include "base/span.h"

/* CRC-16/ARC: poly 0x8005 reflected, init 0. Teltonika, Wialon IPS. */
uint16_t crc16_arc(struct span s);

#endif
