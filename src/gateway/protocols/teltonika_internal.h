/* What the files of the Teltonika decoder share. teltonika.c finds frames and answers them,
 * teltonika_record.c and teltonika_gh3000.c read AVL records, teltonika_avl.c names their elements,
 * teltonika_text.c reads codecs 12 to 15, teltonika_encode.c plays a device. */
#ifndef TRACKWIRE_GATEWAY_PROTOCOLS_TELTONIKA_INTERNAL_H
#define TRACKWIRE_GATEWAY_PROTOCOLS_TELTONIKA_INTERNAL_H

#include "base/reader.h"
#include "gateway/protocols/protocol.h"

enum teltonika_codec {
    TELTONIKA_CODEC_GH3000 = 0x07,
    TELTONIKA_CODEC_8 = 0x08,
    TELTONIKA_CODEC_12 = 0x0c,
    TELTONIKA_CODEC_13 = 0x0d,
    TELTONIKA_CODEC_14 = 0x0e,
    TELTONIKA_CODEC_15 = 0x0f,
    TELTONIKA_CODEC_16 = 0x10,
    TELTONIKA_CODEC_8E = 0x8e,
};

/* AVL ids that the encoder writes, too. */
enum teltonika_avl_id {
    TELTONIKA_AVL_MILEAGE = 16,
    TELTONIKA_AVL_GSM_SIGNAL = 21,
    TELTONIKA_AVL_EXTERNAL_VOLTAGE = 66,
    TELTONIKA_AVL_BATTERY_VOLTAGE = 67,
    TELTONIKA_AVL_GNSS_STATUS = 69,
    TELTONIKA_AVL_IGNITION = 239,
    TELTONIKA_AVL_MOVEMENT = 240,
};

/* Per connection: the picture being fetched, if any. */
struct teltonika_state {
    uint32_t image_id;
    uint32_t image_bytes; /* announced size; 0 when no picture was announced */
};

/* What is gathered over the elements of one record, because several make one parameter. */
struct teltonika_gathered {
    uint32_t din, dout; /* bit N-1 is input or output N */
    bool has_din, has_dout;
    struct span iccid_high, iccid_low; /* borrowed from the frame; empty when absent */
};

/* Adds element `id` to `m` under its flespi name, or as custom.param.<id>. */
void teltonika_add_element(struct message *m, uint16_t id, struct span bytes,
                           struct teltonika_gathered *gathered);
/* Adds what was gathered: din, dout, gsm.sim.iccid. */
void teltonika_add_gathered(struct message *m, const struct teltonika_gathered *gathered);
/* custom.param.<id>: a number below 2^63, hexadecimal text of what is larger. */
void teltonika_add_custom(struct message *m, uint16_t id, struct span bytes);
/* gsm.operator.code, gsm.mcc and gsm.mnc of a decimal MCC+MNC; false, and nothing added, when it is
 * none. */
bool teltonika_add_operator(struct message *m, uint64_t code);

/* Codec data (codec id to second quantity) of AVL records into messages. Returns the number of
 * records accepted, or a refusal with no message. Lenient: the records before the damage are
 * accepted. */
int teltonika_decode_records(struct span data, bool is_lenient,
                             struct protocol_result *result) MUST_USE;
int teltonika_decode_gh3000(struct span data, bool is_lenient,
                            struct protocol_result *result) MUST_USE;
/* Codecs 12 to 15: texts and pictures. Returns 0; replies are set for pictures. */
int teltonika_decode_text(struct span data, struct protocol_link *link,
                          struct protocol_result *result) MUST_USE;

/* Reads one record at `r` into `m`; `context` is the reader's own. A record that ends early shows
 * in `r->is_failed`. */
typedef void teltonika_read_record(struct reader *r, const void *context, struct message *m);
/* The frame around records, the same for all AVL codecs: codec, quantity, records, quantity. */
int teltonika_decode_batch(struct span data, bool is_lenient, teltonika_read_record *read_record,
                           const void *context, struct protocol_result *result) MUST_USE;

/* Appends preamble, length, `data` and checksum. */
void teltonika_add_frame(struct buf *out, struct span data);
void teltonika_encode_login(const struct protocol_sample *sample, struct buf *out);
void teltonika_encode_report(const struct protocol_sample *sample,
                             enum protocol_transport transport, struct buf *out);

#endif
