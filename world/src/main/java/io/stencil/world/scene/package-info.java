/// What a picture of the small world shows, before a pixel of it is painted.
///
/// ```java
/// Scene scene = Scenes.captioned(7, 0);           // picture 0 of seed 7
/// scene.caption();                                // "a large red circle on the left, teal background"
/// ```
@NullMarked
package io.stencil.world.scene;

import org.jspecify.annotations.NullMarked;
