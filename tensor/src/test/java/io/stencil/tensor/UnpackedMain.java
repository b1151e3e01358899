package io.stencil.tensor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch_gloo;

/// Prints the libraries that [NativeCache] unpacks, and those that JavaCPP replaces or adds when it loads them.
final class UnpackedMain {

    private UnpackedMain() {}

    public static void main(String[] args) throws IOException {
        Path cache = Loader.getCacheDir().toPath();
        Map<Path, Object> before = new TreeMap<>();
        Libtorch.cache().load(() -> before.putAll(libraries(cache)));
        Libtorch.load();
        Loader.load(torch_gloo.class);
        Map<Path, Object> after = libraries(cache);
        System.out.println("unpacked: " + names(before.keySet().stream()));
        System.out.println("replaced: "
                + names(before.keySet().stream().filter(file -> !Objects.equals(before.get(file), after.get(file)))));
        System.out.println("more: " + names(after.keySet().stream().filter(file -> !before.containsKey(file))));
    }

    private static List<String> names(Stream<Path> files) {
        return files.map(file -> file.getFileName().toString()).toList();
    }

    /// Files of libraries, links left out, each with its identity and times.
    private static Map<Path, Object> libraries(Path cache) {
        Map<Path, Object> libraries = new TreeMap<>();
        try (Stream<Path> files = Files.walk(cache)) {
            for (Path file :
                    files.filter(path -> path.toString().contains(".jar/")).toList()) {
                BasicFileAttributes attributes =
                        Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
                if (attributes.isRegularFile()) {
                    libraries.put(file, List.of(attributes.fileKey(), Files.getAttribute(file, "unix:ctime")));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return libraries;
    }
}
