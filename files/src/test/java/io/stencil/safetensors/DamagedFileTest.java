package io.stencil.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import io.stencil.error.InvalidFileException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Files that were sound once. Whatever happened to them, they open with every byte readable or are refused.
class DamagedFileTest {

    private static final int MUTATIONS = 10_000;

    private static final String HEADER = "{\"__metadata__\":{\"format\":\"pt\"},"
            + "\"w.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
            + "\"scalar\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[24,32]},"
            + "\"empty\":{\"dtype\":\"BF16\",\"shape\":[4,0],\"data_offsets\":[32,32]},"
            + "\"\u00e9\":{\"dtype\":\"U8\",\"shape\":[10],\"data_offsets\":[32,42]}}   ";

    private static final byte[] SOUND = RawFile.bytes(HEADER, 42);

    private static final int HEADER_END = SOUND.length - 42;

    /// Pieces of JSON that reach further into the reader than random bytes.
    private static final List<String> PIECES = List.of(
            "-",
            "0",
            "1",
            "e1",
            ".0",
            "99999999999999999999",
            "9223372036854775807",
            "null",
            "[",
            "]",
            "{",
            "}",
            "[]",
            "{}",
            "\"",
            "\\",
            "\\ud800",
            ",",
            ":",
            "\"shape\":[]",
            "\"w.weight\":{}",
            ",\"x\":1",
            "F4",
            "U8",
            " ");

    @TempDir
    Path folder;

    @Test
    void every_shorter_length_is_refused() throws IOException {
        Path file = folder.resolve("cut.safetensors");
        for (int length = 0; length < SOUND.length; length++) {
            Files.write(file, Arrays.copyOf(SOUND, length));
            assertThatThrownBy(() -> SafetensorsFile.open(file).close())
                    .as("cut to %s bytes", length)
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessageStartingWith(file.toString());
        }
    }

    @Test
    void a_file_that_is_cut_behind_the_check_is_refused() throws IOException {
        Path file = Files.write(folder.resolve("cut.safetensors"), SOUND);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            SafetensorsHeader header = SafetensorsHeader.read(file, channel);
            Files.write(file, Arrays.copyOf(SOUND, SOUND.length - 1));
            assertThatThrownBy(() -> SafetensorsFile.map(file, header, channel).close())
                    .isInstanceOf(InvalidFileException.class)
                    .hasMessage("%s: was cut from %s to %s bytes while it was opened; another program is writing it"
                            .formatted(file, SOUND.length, SOUND.length - 1));
        }
    }

    @Test
    void a_file_that_grows_behind_the_check_is_read_as_it_was() throws IOException {
        Path file = Files.write(folder.resolve("grown.safetensors"), SOUND);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            SafetensorsHeader header = SafetensorsHeader.read(file, channel);
            Files.write(file, new byte[100], StandardOpenOption.APPEND);
            try (SafetensorsFile mapped = SafetensorsFile.map(file, header, channel)) {
                assertThat(mapped.segment("\u00e9").byteSize()).isEqualTo(10);
            }
        }
    }

    /// The length field agrees with the cut, so that the JSON itself is cut short.
    @Test
    void every_shorter_header_is_refused() throws IOException {
        Path file = folder.resolve("cut.safetensors");
        int jsonLength = HEADER.trim().getBytes(StandardCharsets.UTF_8).length;
        for (int length = 0; length < jsonLength; length++) {
            byte[] header = Arrays.copyOfRange(SOUND, Long.BYTES, Long.BYTES + length);
            Files.write(file, RawFile.bytes(header, 42));
            assertThatThrownBy(() -> SafetensorsFile.open(file).close())
                    .as("header cut to %s bytes", length)
                    .isInstanceOf(InvalidFileException.class);
        }
    }

    @Test
    void random_damage_is_refused_or_harmless() throws IOException {
        Random random = new Random(20_250_925);
        Path file = folder.resolve("mutated.safetensors");
        int opened = 0;
        int refused = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            byte[] bytes = SOUND;
            for (int change = random.nextInt(3); change >= 0; change--) {
                bytes = mutate(bytes, random);
            }
            Files.write(file, bytes);
            if (opens(file, bytes, i)) {
                opened++;
            } else {
                refused++;
            }
        }
        // Both ends are reached: changes of names, spaces and data are harmless, most others are not.
        assertThat(opened).isGreaterThan(MUTATIONS / 100);
        assertThat(refused).isGreaterThan(MUTATIONS / 2);
    }

    private static boolean opens(Path path, byte[] bytes, int mutation) {
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            long next = Long.BYTES;
            for (TensorEntry entry : file.entries().values()) {
                assertThat(entry.begin()).isBetween(next, (long) bytes.length);
                assertThat(entry.end()).isBetween(entry.begin(), (long) bytes.length);
                MemorySegment segment = file.segment(entry.name());
                assertThat(segment.toArray(ValueLayout.JAVA_BYTE))
                        .isEqualTo(Arrays.copyOfRange(bytes, (int) entry.begin(), (int) entry.end()));
                assertThat(segment.byteSize()).isEqualTo(entry.dtype().byteSize(entry.shape()));
                next = entry.end();
            }
            return true;
        } catch (InvalidFileException refused) {
            assertThat(refused).hasMessageStartingWith(path.toString());
            return false;
        } catch (RuntimeException other) {
            return fail("mutation " + mutation, other);
        }
    }

    private static byte[] mutate(byte[] bytes, Random random) {
        int end = Math.min(HEADER_END, bytes.length);
        int at = Math.min(Long.BYTES, end - 1) + random.nextInt(Math.max(1, end - Long.BYTES));
        return switch (random.nextInt(8)) {
            case 0 -> replace(bytes, at, 1, (byte) (bytes[at] ^ (1 << random.nextInt(8))));
            case 1 -> replace(bytes, at, 1, (byte) random.nextInt(256));
            case 2 -> withLength(replace(bytes, at, 0, (byte) random.nextInt(256)), 1);
            case 3 -> withLength(replace(bytes, at, 1), -1);
            case 4 -> replace(bytes, random.nextInt(Long.BYTES), 1, (byte) random.nextInt(256));
            case 5 -> replace(bytes, at, 0, piece(random));
            case 6 -> {
                byte[] piece = piece(random);
                int removed = Math.min(random.nextInt(4), end - at);
                yield withLength(replace(bytes, at, removed, piece), piece.length - removed);
            }
            default -> replace(bytes, at, random.nextInt(bytes.length - at));
        };
    }

    private static byte[] piece(Random random) {
        return PIECES.get(random.nextInt(PIECES.size())).getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] replace(byte[] bytes, int at, int removed, byte... inserted) {
        byte[] result = new byte[bytes.length - removed + inserted.length];
        System.arraycopy(bytes, 0, result, 0, at);
        System.arraycopy(inserted, 0, result, at, inserted.length);
        System.arraycopy(bytes, at + removed, result, at + inserted.length, bytes.length - at - removed);
        return result;
    }

    /// Keeps the length field right, so that the damage is met by the JSON and the checks behind it.
    private static byte[] withLength(byte[] bytes, int change) {
        MemorySegment.ofArray(bytes)
                .set(
                        ValueLayout.JAVA_LONG_UNALIGNED,
                        0,
                        MemorySegment.ofArray(bytes).get(ValueLayout.JAVA_LONG_UNALIGNED, 0) + change);
        return bytes;
    }
}
