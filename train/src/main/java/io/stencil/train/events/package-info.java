/// The events of a run, what runs between its steps, and the logs and pages that show it.
@NullMarked
package io.stencil.train.events;

import org.jspecify.annotations.NullMarked;
