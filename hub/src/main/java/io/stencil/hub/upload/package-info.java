/// From a folder to a repository: what is sent, large files first, then one commit of all.
@NullMarked
package io.stencil.hub.upload;

import org.jspecify.annotations.NullMarked;
