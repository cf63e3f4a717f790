/* Decodes and encodes frames with the code that asn1c generates, and prints the best rates [1/s].
 *
 * usage: loop FILE ROUNDS; the file holds frames, each behind its length as a uint32_t. Decoding counts the
 * freeing of the value too, as in any program that reads more than one frame.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "MessageFrame.h"

static double seconds(clock_t since) { return (double)(clock() - since) / CLOCKS_PER_SEC; }

static MessageFrame_t *decoded(const uint8_t *octets, uint32_t length) {
    MessageFrame_t *value = NULL;
    asn_dec_rval_t read = uper_decode_complete(NULL, &asn_DEF_MessageFrame, (void **)&value, octets, length);
    if (read.code != RC_OK) exit(3);
    return value;
}

int main(int count, char **given) {
    FILE *file = count == 3 ? fopen(given[1], "rb") : NULL;
    if (!file) return 2;
    fseek(file, 0, SEEK_END);
    long size = ftell(file), frames = 0;
    rewind(file);
    uint8_t *octets = malloc(size), again[4096];
    if (fread(octets, 1, size, file) != (size_t)size) return 2;
    MessageFrame_t **values = calloc(size / 4 + 1, sizeof *values);
    uint32_t length;
    for (long at = 0; at < size; at += length, frames++) {
        memcpy(&length, octets + at, 4);
        at += 4;
        values[frames] = decoded(octets + at, length);
        asn_enc_rval_t written =
            uper_encode_to_buffer(&asn_DEF_MessageFrame, values[frames], again, sizeof again);
        if ((written.encoded + 7) / 8 != (ssize_t)length || memcmp(again, octets + at, length)) return 5;
    }
    double read = 1e9, write = 1e9;
    for (int round = 0; round < atoi(given[2]); round++) {
        clock_t since = clock();
        for (long at = 0; at < size; at += length) {
            memcpy(&length, octets + at, 4);
            at += 4;
            ASN_STRUCT_FREE(asn_DEF_MessageFrame, decoded(octets + at, length));
        }
        if (seconds(since) < read) read = seconds(since);
        since = clock();
        for (long frame = 0; frame < frames; frame++)
            uper_encode_to_buffer(&asn_DEF_MessageFrame, values[frame], again, sizeof again);
        if (seconds(since) < write) write = seconds(since);
    }
    printf("%.0f %.0f\n", frames / read, frames / write);
    return 0;
}
