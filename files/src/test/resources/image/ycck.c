// Writes a CMYK picture as a JPEG with the YCCK transform, which Pillow cannot write.
// cc ycck.c -ljpeg -o ycck && ./ycck WIDTH HEIGHT < inverted-cmyk-bytes > out.jpg
#include <stdio.h>
#include <stdlib.h>
#include <jpeglib.h>

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr err;
    c.err = jpeg_std_error(&err);
    jpeg_create_compress(&c);
    jpeg_stdio_dest(&c, stdout);
    c.image_width = atoi(argv[1]);
    c.image_height = atoi(argv[2]);
    c.input_components = 4;
    c.in_color_space = JCS_CMYK;
    jpeg_set_defaults(&c);
    jpeg_set_colorspace(&c, JCS_YCCK);
    jpeg_set_quality(&c, 90, TRUE);
    jpeg_start_compress(&c, TRUE);
    JSAMPROW row = malloc(4 * c.image_width);
    while (c.next_scanline < c.image_height) {
        if (fread(row, 4, c.image_width, stdin) != c.image_width) return 1;
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    return 0;
}
