package io.stencil.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/// The version in the POM, which the build writes into a resource.
final class StencilVersion implements IVersionProvider {

    private static final String RESOURCE = "version.properties";

    @Override
    public String[] getVersion() {
        return new String[] {"stencil " + number()};
    }

    static String number() {
        Properties properties = new Properties();
        try (InputStream resource = StencilVersion.class.getResourceAsStream(RESOURCE)) {
            properties.load(Objects.requireNonNull(resource, RESOURCE));
        } catch (IOException fault) {
            throw new UncheckedIOException(RESOURCE, fault);
        }
        return properties.getProperty("version");
    }
}
