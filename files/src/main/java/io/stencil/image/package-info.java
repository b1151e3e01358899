/// Pictures as training and generation see them: read, turned upright, resized exactly as Pillow does, cropped,
/// written.
///
/// Every picture is 8-bit RGB ([io.stencil.image.RgbImage]). Sizes are given as width, then height.
@NullMarked
package io.stencil.image;

import org.jspecify.annotations.NullMarked;
