/// Downloads files of repositories: selects them, downloads them in ranges, verifies them, and moves them into place.
@NullMarked
package io.stencil.hub.download;

import org.jspecify.annotations.NullMarked;
