/// Measures time and memory of the parts of FLUX.2 on this machine (`stencil bench`).
@NullMarked
package io.stencil.lab.bench;

import org.jspecify.annotations.NullMarked;
