/// Runs the demo: paints images, trains a Template on them, and writes a page with the results.
@NullMarked
package io.stencil.lab.demo;

import org.jspecify.annotations.NullMarked;
