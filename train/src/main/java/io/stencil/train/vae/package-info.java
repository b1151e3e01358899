/// Training of the VAE: its loss, and the statistics of its latents.
@NullMarked
package io.stencil.train.vae;

import org.jspecify.annotations.NullMarked;
