/// Measurement of held-out rows: losses with fixed noise and timesteps, and the steering gain of a Template.
@NullMarked
package io.stencil.train.validation;

import org.jspecify.annotations.NullMarked;
