/* Decodes and encodes frames with the code that asn1c generates, and prints the best rates [1/s].
 *
 * usage: loop FILE ROUNDS; the file holds frames, each behind its length as a uint32_t.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "MessageFrame.h"

int main(int count, char **given) {
    if (count != 3) return 2;
    FILE *file = fopen(given[1], "rb");
    if (!file) return 2;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    uint8_t *octets = malloc(size);
    if (fread(octets, 1, size, file) != (size_t)size) return 2;
    double fastest[2] = {1e9, 1e9};
    long frames = 0;
    MessageFrame_t **values = calloc(size / 4 + 1, sizeof *values);
    for (int round = 0; round < atoi(given[2]); round++) {
        double spent[2];
        uint32_t length;
        uint8_t again[4096];
        frames = 0;
        clock_t begun = clock();
        for (long at = 0; at < size; at += length, frames++) {
            memcpy(&length, octets + at, 4);
            at += 4;
            asn_dec_rval_t read = uper_decode_complete(
                NULL, &asn_DEF_MessageFrame, (void **)&values[frames], octets + at, length);
            if (read.code != RC_OK) return 3;
        }
        spent[0] = (double)(clock() - begun) / CLOCKS_PER_SEC;
        begun = clock();
        for (long frame = 0; frame < frames; frame++)
            if (uper_encode_to_buffer(&asn_DEF_MessageFrame, values[frame], again, sizeof again).encoded < 0) return 4;
        spent[1] = (double)(clock() - begun) / CLOCKS_PER_SEC;
        frames = 0;
        for (long at = 0; at < size; at += length, frames++) {
            memcpy(&length, octets + at, 4);
            at += 4;
            asn_enc_rval_t written =
                uper_encode_to_buffer(&asn_DEF_MessageFrame, values[frames], again, sizeof again);
            if ((written.encoded + 7) / 8 != (ssize_t)length || memcmp(again, octets + at, length)) return 5;
            ASN_STRUCT_FREE(asn_DEF_MessageFrame, values[frames]);
            values[frames] = NULL;
        }
        for (int way = 0; way < 2; way++)
            if (spent[way] < fastest[way]) fastest[way] = spent[way];
    }
    printf("%.0f %.0f\n", frames / fastest[0], frames / fastest[1]);
    return 0;
}
