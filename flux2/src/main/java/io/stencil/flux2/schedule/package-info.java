/// Flow matching (Lipman et al. 2022, arXiv:2210.02747) as FLUX.2 uses it: noise levels, Euler steps, training
/// targets.
@NullMarked
package io.stencil.flux2.schedule;

import org.jspecify.annotations.NullMarked;
