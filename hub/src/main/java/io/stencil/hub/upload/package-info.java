/// Uploads folders to repositories: large files first, then one commit.
@NullMarked
package io.stencil.hub.upload;

import org.jspecify.annotations.NullMarked;
