/// Encodings of the frozen models: in memory, ahead of their use, and in the folder of split training, where each
/// sample is one safetensors file.
@NullMarked
package io.stencil.train.encodings;

import org.jspecify.annotations.NullMarked;
