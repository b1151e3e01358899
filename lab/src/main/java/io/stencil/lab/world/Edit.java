package io.stencil.lab.world;

/// A change of one thing in a scene.
///
/// @param before what it is made to
/// @param after what it makes of it
/// @param instruction what a person says: `make it red`, `make the background teal`
public record Edit(Scene before, Scene after, String instruction) {

    /// A change of the shape's colour or of the background, each as likely, to something that it was not.
    public static Edit any(Scene scene, Draws draws) {
        Description described = scene.described();
        if (draws.chance(0.5)) {
            ShapeColour colour = draws.oneBut(described.colour(), ShapeColour.values());
            return new Edit(scene, scene.with(described.withColour(colour)), "make it " + colour.word());
        }
        Background background = draws.oneBut(described.background(), Background.values());
        return new Edit(
                scene, scene.with(described.withBackground(background)), "make the background " + background.word());
    }
}
