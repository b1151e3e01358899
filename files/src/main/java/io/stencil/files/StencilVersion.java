package io.stencil.files;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.Properties;

/// Reads the version of this library.
public final class StencilVersion {

    private static final String RESOURCE = "version.properties";

    private StencilVersion() {}

    /// Returns the version in the POM, which the build writes into a resource, such as `0.1.0`.
    public static String number() {
        Properties properties = new Properties();
        try (InputStream resource = StencilVersion.class.getResourceAsStream(RESOURCE)) {
            properties.load(Objects.requireNonNull(resource, RESOURCE));
        } catch (IOException e) {
            throw new UncheckedIOException(RESOURCE, e);
        }
        return properties.getProperty("version");
    }
}
