/// The small world: scenes with captions, their painting, datasets of them, and a judge that recognises in an image
/// what it shows. Nothing here knows of models.
///
/// ```java
/// Scene scene = Scene.captioned(new Draws(7, 0)); // scene 0 of seed 7
/// scene.caption();                                // "a large red circle on the left, teal background"
/// ```
@NullMarked
package io.stencil.lab.world;

import org.jspecify.annotations.NullMarked;
