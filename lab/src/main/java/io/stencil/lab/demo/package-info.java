/// The demo: pictures painted on the spot, a Template trained on them, and a page that shows what came of it.
@NullMarked
package io.stencil.lab.demo;

import org.jspecify.annotations.NullMarked;
