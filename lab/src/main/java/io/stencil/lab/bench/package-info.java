/// `stencil bench`: what the parts of FLUX.2 take on this machine, in time and in memory.
@NullMarked
package io.stencil.lab.bench;

import org.jspecify.annotations.NullMarked;
