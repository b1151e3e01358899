package io.stencil.tensor;

import java.io.File;
import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.bytedeco.javacpp.ClassProperties;
import org.bytedeco.javacpp.Loader;
import org.jspecify.annotations.Nullable;

/// Locates a native library in its jar, and in JavaCPP's cache.
///
/// @param jar on the class path
/// @param entry name in the jar
/// @param name file name in the cache, where JavaCPP may rename a library
record NativeLibrary(Path jar, String entry, String name) {

    /// The file in the cache.
    Path in(Path cache) {
        return cache.resolve(jar.getFileName()).resolve(entry).resolveSibling(name);
    }

    /// Lists the libraries that JavaCPP unpacks when it initializes `classes`, in the order of loading. Nothing is
    /// loaded or unpacked.
    ///
    /// A library that several classes load is unpacked for the first one only: JavaCPP links to it from the others.
    /// Libraries in a jar within a jar are left out.
    static List<NativeLibrary> of(List<Class<?>> classes) {
        Listing listing = new Listing();
        classes.forEach(listing::add);
        return listing.libraries;
    }

    private static final class Listing {
        private final List<NativeLibrary> libraries = new ArrayList<>();
        private final Set<Class<?>> visited = new HashSet<>();
        private final Map<String, URL> loaded = new HashMap<>();

        /// Follows `Loader.load`.
        void add(Class<?> loading) {
            Class<?> type = Loader.getEnclosingClass(loading);
            if (!visited.add(type)) {
                return;
            }
            ClassProperties properties = Loader.loadProperties(type, Loader.loadProperties(), /* inherit= */ true);
            for (String global : properties.get("global")) {
                add(type(global, type.getClassLoader()));
            }
            List<String> names = new ArrayList<>(properties.get("platform.preload"));
            names.addAll(properties.get("platform.link"));
            names.add(properties.getProperty("platform.library"));
            for (String name : names) {
                for (URL url : Loader.findLibrary(type, properties, name, /* pathsFirst= */ false)) {
                    if (loaded.putIfAbsent(key(name), url) == null) {
                        library(url).ifPresent(libraries::add);
                    }
                }
            }
        }

        private static Class<?> type(String name, ClassLoader loader) {
            try {
                return Class.forName(name, /* initialize= */ false, loader);
            } catch (ClassNotFoundException e) {
                throw new NoClassDefFoundError(e.getMessage());
            }
        }

        /// The name that JavaCPP knows a loaded library by: `name@version#newName@version`.
        private static String key(String name) {
            return name.substring(name.indexOf('#') + 1);
        }
    }

    /// @return empty where the resource is not in a jar that is a file, such as a library of the system
    static Optional<NativeLibrary> library(URL resource) {
        try {
            if (!(resource.openConnection() instanceof JarURLConnection connection)) {
                return Optional.empty();
            }
            Path jar = Path.of(connection.getJarFileURL().toURI());
            String entry = connection.getEntryName();
            @Nullable String renamed = resource.getRef();
            return Files.isRegularFile(jar)
                    ? Optional.of(new NativeLibrary(jar, entry, renamed == null ? new File(entry).getName() : renamed))
                    : Optional.empty();
        } catch (IOException | URISyntaxException | IllegalArgumentException | FileSystemNotFoundException _) {
            return Optional.empty(); // a jar within a jar: JavaCPP alone knows the way
        }
    }
}
