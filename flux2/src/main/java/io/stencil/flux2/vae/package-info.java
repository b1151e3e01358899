/// The VAE of FLUX.2: images to normalised latents and back.
///
/// Shapes: B batch, H and W height and width of the image in pixels, h = H/16 and w = W/16, C channels. A
/// latent pixel stands for 16 x 16 pixels: three halvings by convolution, and one by folding 2 x 2 neighbours into
/// channels.
@NullMarked
package io.stencil.flux2.vae;

import org.jspecify.annotations.NullMarked;
