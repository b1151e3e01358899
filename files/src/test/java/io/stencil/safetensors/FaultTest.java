package io.stencil.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.stencil.error.InvalidFileException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments.ArgumentSet;
import org.junit.jupiter.params.provider.MethodSource;

class FaultTest {

    @TempDir
    Path folder;

    private static ArgumentSet header(String name, String header, int dataSize, String message) {
        return argumentSet(name, RawFile.bytes(header, dataSize), message);
    }

    /// A header of the one tensor `w`, with 4 bytes of data.
    private static ArgumentSet tensor(String name, String value, String message) {
        return header(name, "{\"w\":" + value + "}", 4, message);
    }

    private static ArgumentSet shape(String name, String shape, String message) {
        return tensor(name, "{\"dtype\":\"F32\",\"shape\":" + shape + ",\"data_offsets\":[0,4]}", message);
    }

    private static ArgumentSet offsets(String name, String offsets, String message) {
        return tensor(name, "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":" + offsets + "}", message);
    }

    private static String u8(String name, int begin, int end) {
        return "\"%s\":{\"dtype\":\"U8\",\"shape\":[%s],\"data_offsets\":[%s,%s]}"
                .formatted(name, end - begin, begin, end);
    }

    static Stream<ArgumentSet> faults() {
        return Stream.of(frame(), json(), metadata(), tensors(), cover()).flatMap(faults -> faults);
    }

    private static Stream<ArgumentSet> frame() {
        byte[] empty = "{}".getBytes(StandardCharsets.UTF_8);
        return Stream.of(
                argumentSet("empty file", new byte[0], "at least 8 bytes, found 0"),
                argumentSet("seven bytes", new byte[7], "at least 8 bytes, found 7"),
                argumentSet("header length of 0", RawFile.bytes(0, new byte[0], 0), "must begin with '{'"),
                argumentSet(
                        "header beyond the file", RawFile.bytes(3, empty, 0), "ends at byte 11, but the file has 10"),
                argumentSet("length over the limit", RawFile.bytes(100_000_001, empty, 0), "at most 100000000"),
                argumentSet("length at the limit", RawFile.bytes(100_000_000, empty, 0), "ends at byte 100000008"),
                argumentSet("negative length", RawFile.bytes(-1, empty, 0), "found 18446744073709551615"),
                argumentSet(
                        "Git LFS pointer",
                        "version https://git-lfs.github.com/spec/v1\n".getBytes(StandardCharsets.UTF_8),
                        "Git LFS pointer"),
                argumentSet(
                        "not UTF-8",
                        RawFile.bytes(new byte[] {'{', '"', (byte) 0xff, '"', ':', '1', '}'}, 0),
                        "not valid UTF-8"),
                argumentSet(
                        "overlong UTF-8",
                        RawFile.bytes(new byte[] {'{', '"', (byte) 0xc0, (byte) 0x80, '"', '}'}, 0),
                        "not valid UTF-8"));
    }

    private static Stream<ArgumentSet> json() {
        return Stream.of(
                header("space before the object", " {}", 0, "must begin with '{'"),
                header("array", "[]", 0, "must begin with '{'"),
                header("object not closed", "{", 0, "not valid JSON"),
                header("NUL padding", "{}\0\0", 0, "not valid JSON"),
                header("second value", "{}{}", 0, "more text behind"),
                header("second bracket", "{}}", 0, "not valid JSON"),
                header("comma at the end", "{" + u8("w", 0, 1) + ",}", 1, "not valid JSON"),
                header("single quotes", "{'w':1}", 0, "not valid JSON"),
                header("comment", "{/**/}", 0, "not valid JSON"),
                header("raw line break in a name", "{\"a\nb\":1}", 0, "not valid JSON"),
                header("half a surrogate pair", "{" + u8("\\ud800", 0, 1) + "}", 1, "surrogate"),
                header("deep nesting", "{\"w\":{\"x\":" + "[".repeat(5000), 0, "not valid JSON"),
                header("tensor twice", "{" + u8("w", 0, 1) + "," + u8("w", 1, 2) + "}", 2, "'w'"),
                header(
                        "tensor twice, once escaped",
                        "{" + u8("w", 0, 1) + "," + u8("\\u0077", 1, 2) + "}",
                        2,
                        "Duplicate field 'w'"),
                tensor(
                        "dtype twice",
                        "{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}",
                        "Duplicate field 'dtype'"),
                tensor(
                        "key twice in an unknown value",
                        "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":{\"y\":1,\"y\":1}}",
                        "Duplicate field 'y'"));
    }

    private static Stream<ArgumentSet> metadata() {
        return Stream.of(
                header("metadata text", "{\"__metadata__\":\"\"}", 0, "'__metadata__': must be an object of strings"),
                header("metadata list", "{\"__metadata__\":[]}", 0, "found an array"),
                header(
                        "metadata number",
                        "{\"__metadata__\":{\"a\":1}}",
                        0,
                        "value of \"a\" must be a string, found 1"),
                header("metadata object", "{\"__metadata__\":{\"a\":{}}}", 0, "found an object"),
                header("metadata null value", "{\"__metadata__\":{\"a\":null}}", 0, "found null"),
                header("metadata key twice", "{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0, "Duplicate field 'a'"),
                header("metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "Duplicate field"),
                header(
                        "metadata with half a surrogate pair",
                        "{\"__metadata__\":{\"a\":\"\\udc00\"}}",
                        0,
                        "surrogate"));
    }

    private static Stream<ArgumentSet> tensors() {
        return Stream.of(
                tensor("tensor is a number", "7", "'w': must be an object with dtype, shape and data_offsets, found 7"),
                tensor("tensor is null", "null", "found null"),
                tensor("no dtype", "{\"shape\":[1],\"data_offsets\":[0,4]}", "'w': has no dtype"),
                tensor("no shape", "{\"dtype\":\"F32\",\"data_offsets\":[0,4]}", "'w': has no shape"),
                tensor("no offsets", "{\"dtype\":\"F32\",\"shape\":[1]}", "'w': has no data_offsets"),
                tensor("unknown dtype", "{\"dtype\":\"Q4\"}", "found \"Q4\""),
                tensor("dtype in lower case", "{\"dtype\":\"f32\"}", "found \"f32\""),
                tensor("dtype is a number", "{\"dtype\":32}", "dtype must be a string, found 32"),
                shape("shape is a number", "1", "shape must be an array of integers, found 1"),
                shape("shape is null", "null", "shape must be an array of integers, found null"),
                shape("negative dimension", "[-1]", "shape must hold integers from 0 to 2^63 - 1, found -1"),
                shape("minus zero", "[-0]", "found -0"),
                shape("fraction", "[1.0]", "found 1.0"),
                shape("exponent", "[1e0]", "found 1e0"),
                shape("leading zero", "[01]", "not valid JSON"),
                shape("dimension as a string", "[\"1\"]", "found \"1\""),
                shape("nested shape", "[[1]]", "found an array"),
                shape("dimension beyond a long", "[9223372036854775808]", "found 9223372036854775808"),
                shape("product overflows", "[4294967296,4294967296]", "larger than any file can be"),
                shape("product wraps to one", "[6700417,-6700417]", "found -6700417"),
                shape("product overflows before a 0", "[9223372036854775807,2,0]", "larger than any file can be"),
                shape("bits overflow", "[2305843009213693952]", "larger than any file can be"),
                shape("too large for its offsets", "[2]", "takes 8 bytes, but data_offsets [0, 4] span 4"),
                shape("too small for its offsets", "[0]", "takes 0 bytes, but data_offsets [0, 4] span 4"),
                tensor(
                        "packed elements in half a byte",
                        "{\"dtype\":\"F4\",\"shape\":[7],\"data_offsets\":[0,4]}",
                        "28 bits, which is not a whole number of bytes"),
                offsets("one offset", "[0]", "must hold a begin and an end, found [0]"),
                offsets("three offsets", "[0,4,4]", "found [0, 4, 4]"),
                offsets("end before begin", "[4,0]", "must not end before they begin, found [4, 0]"),
                offsets("negative offset", "[-4,0]", "found -4"),
                offsets("offset beyond a long", "[0,99999999999999999999]", "found 99999999999999999999"),
                offsets("end beyond the file", "[0,5]", "reach beyond the file, which has 4 bytes of tensors"),
                offsets("largest offsets", "[9223372036854775803,9223372036854775807]", "reach beyond the file"));
    }

    private static Stream<ArgumentSet> cover() {
        return Stream.of(
                header("bytes behind the tensors", "{" + u8("w", 0, 1) + "}", 2, "end at byte 62, but the file has 63"),
                header("bytes without tensors", "{}", 1, "end at byte 10, but the file has 11"),
                header(
                        "gap at the start",
                        "{" + u8("w", 1, 2) + "}",
                        2,
                        "'w': its bytes leave a gap behind the header"),
                header(
                        "gap between tensors",
                        "{" + u8("a", 0, 1) + "," + u8("b", 2, 3) + "}",
                        3,
                        "'b': its bytes leave a gap behind tensor 'a'"),
                header(
                        "overlap",
                        "{" + u8("b", 1, 3) + "," + u8("a", 0, 2) + "}",
                        3,
                        "'b': its bytes overlap tensor 'a'"),
                header("same range", "{" + u8("a", 0, 2) + "," + u8("b", 0, 2) + "}", 2, "overlap"),
                header("empty tensor inside another", "{" + u8("a", 0, 2) + "," + u8("b", 1, 1) + "}", 2, "overlap"),
                header("empty tensor behind the end", "{" + u8("a", 0, 1) + "," + u8("b", 2, 2) + "}", 2, "gap"));
    }

    @ParameterizedTest
    @MethodSource("faults")
    void a_fault_is_told_with_its_file_and_place(byte[] content, String message) throws IOException {
        Path file = Files.write(folder.resolve("broken.safetensors"), content);
        assertThatThrownBy(() -> SafetensorsFile.open(file).close())
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(file.toString())
                .hasMessageContaining(message);
        assertThatThrownBy(() -> SafetensorsHeader.read(file)).isInstanceOf(InvalidFileException.class);
    }

    @Test
    void what_is_not_a_file_is_refused() {
        Path absent = folder.resolve("absent.safetensors");
        assertThatThrownBy(() -> SafetensorsFile.open(absent))
                .isInstanceOf(InvalidFileException.class)
                .hasMessage(absent + ": no such file");
        assertThatThrownBy(() -> SafetensorsFile.open(folder))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageContaining("found a folder");
    }

    @Test
    void what_the_reference_library_reads_is_read() throws IOException {
        String unknownKey = "{\"w\":{\"x\":[{}],\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}\n\t ";
        try (SafetensorsFile file =
                SafetensorsFile.open(RawFile.write(folder.resolve("a.safetensors"), unknownKey, 1))) {
            assertThat(file.entry("w").byteSize()).isEqualTo(1);
        }
        String anyOrder = "{" + u8("c", 2, 3) + "," + u8("b", 2, 2) + "," + u8("a", 0, 2) + "}";
        try (SafetensorsFile file = SafetensorsFile.open(RawFile.write(folder.resolve("b.safetensors"), anyOrder, 3))) {
            assertThat(file.entries().keySet()).containsExactly("a", "b", "c");
        }
    }

    @Test
    void an_unknown_name_is_told_with_those_that_are_there() throws IOException {
        Path path = RawFile.writeU8(folder.resolve("two.safetensors"), "a", "b");
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            assertThatThrownBy(() -> file.segment("c"))
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessage(path + ": 'c': no such tensor; 2 are there: a, b");
        }
    }
}
