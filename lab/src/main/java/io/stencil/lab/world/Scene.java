package io.stencil.lab.world;

/// Everything that a picture shows.
///
/// @param described what its caption says
/// @param texture seed of the surfaces' texture
public record Scene(Description described, Phrasing phrasing, Placement placement, Light light, long texture) {

    public String caption() {
        return phrasing.caption(described);
    }

    public Scene with(Light other) {
        return new Scene(described, phrasing, placement, other, texture);
    }

    public Scene with(Description other) {
        return new Scene(other, phrasing, placement, light, texture);
    }
}
