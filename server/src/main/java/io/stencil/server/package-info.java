/// HTTP for a service of images, over Jetty's core: OpenAI's Images API, native jobs, Templates, health and metrics.
@NullMarked
package io.stencil.server;

import org.jspecify.annotations.NullMarked;
