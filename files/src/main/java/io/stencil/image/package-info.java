/// Reads images, turns them upright, resizes them exactly as Pillow does, crops and
/// writes them.
///
/// Every image is 8-bit RGB ([io.stencil.image.RgbImage]). Sizes are given as width, then height.
@NullMarked
package io.stencil.image;

import org.jspecify.annotations.NullMarked;
