/// Training in two stages: the results of all that is frozen go to a folder, one safetensors file a sample; training
/// reads them and needs neither text encoder nor VAE.
@NullMarked
package io.stencil.train.split;

import org.jspecify.annotations.NullMarked;
