/// Datasets: metadata files in three formats, rows that are checked before training, the order of an epoch.
@NullMarked
package io.stencil.train.data;

import org.jspecify.annotations.NullMarked;
