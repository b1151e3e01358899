package io.stencil.safetensors;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/// Hashes the names and shapes of a set of tensors, which identifies a model's kind and size without its values.
///
/// Each tensor gives the strings `NAME:d0_d1_...` and `NAME`; all of them, sorted by code point and joined with commas,
/// are hashed with MD5 as UTF-8. Neither dtypes nor the order or number of files matter.
public final class KeyHash {

    /// Orders strings by code point, as Python and Rust sort them, which UTF-8 keeps. Java's own order compares UTF-16
    /// units and puts U+1D400, a surrogate pair, before U+FF21.
    static final Comparator<String> CODE_POINT_ORDER =
            (a, b) -> Arrays.compareUnsigned(a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));

    private KeyHash() {}

    /// Hashes a file's or checkpoint's tensors.
    ///
    /// @return 32 lower-case hex digits
    public static String of(Collection<TensorEntry> tensors) {
        return ofShapes(tensors.stream().collect(Collectors.toMap(TensorEntry::name, TensorEntry::dims)));
    }

    /// Hashes tensors that need not exist, such as those of a model not yet loaded.
    ///
    /// @param shapes dimensions of each tensor, by its name
    /// @return 32 lower-case hex digits
    public static String ofShapes(Map<String, long[]> shapes) {
        List<String> keys = new ArrayList<>();
        shapes.forEach((name, shape) -> {
            String dims = LongStream.of(shape).mapToObj(Long::toString).collect(Collectors.joining("_"));
            keys.add(name + ":" + dims);
            keys.add(name);
        });
        keys.sort(CODE_POINT_ORDER);
        byte[] text = String.join(",", keys).getBytes(StandardCharsets.UTF_8);
        return HexFormat.of().formatHex(md5().digest(text));
    }

    private static MessageDigest md5() {
        try {
            return MessageDigest.getInstance("MD5");
        } catch (NoSuchAlgorithmException fault) {
            throw new IllegalStateException("every Java has MD5", fault);
        }
    }
}
