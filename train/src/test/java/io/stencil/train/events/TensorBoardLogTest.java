package io.stencil.train.events;

import static org.assertj.core.api.Assertions.assertThat;

import io.stencil.train.checkpoint.RunFolder;
import io.stencil.train.events.TrainingListener.SampleImage;
import io.stencil.train.events.TrainingListener.SamplesReport;
import io.stencil.train.events.TrainingListener.StepReport;
import io.stencil.train.validation.ValidationReport;
import io.stencil.train.validation.ValidationReport.Interval;
import io.stencil.train.validation.ValidationReport.SteeringGain;
import io.stencil.train.validation.ValidationReport.ValidationLoss;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Reads event files with a parser of its own, which knows the format from its description alone.
class TensorBoardLogTest {

    @TempDir
    private Path folder;

    private final List<String> warnings = new ArrayList<>();

    private TensorBoardLog log(long doneSteps) {
        return new TensorBoardLog(new RunFolder(folder), doneSteps, warnings::add);
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("tensorboard"))) {
            return files.sorted().toList();
        }
    }

    @Test
    void scalarsAndImagesAreRead() throws IOException {
        Path image = folder.resolve("a.png");
        ImageIO.write(new BufferedImage(30, 20, BufferedImage.TYPE_INT_RGB), "png", image.toFile());
        Path none = Files.writeString(folder.resolve("b.png"), "no image");
        try (TensorBoardLog log = log(0)) {
            log.onStep(new StepReport(1, 300, 0, 0.5, 0.25, 1));
            log.onStep(new StepReport(300, 300, 0, 0.125, 0.25, 2));
            log.onValidation(new ValidationReport(
                    300,
                    3,
                    new ValidationLoss(0.75, List.of(0.5, 1.0)),
                    new ValidationLoss(0.625, List.of(0.5, 0.75)),
                    new SteeringGain(new Interval(0.25, 0, 1), new Interval(-0.5, -1, 0), 3, 3),
                    300,
                    0.625,
                    2));
            log.onSamples(new SamplesReport(
                    300,
                    folder,
                    List.of(new SampleImage("one", image, "red"), new SampleImage("two", none, "")),
                    null,
                    1));
        }
        List<Map<String, Object>> events = events(files().getFirst());
        assertThat(events).hasSize(6);
        assertThat(events.get(0)).containsEntry("file_version", "brain.Event:2").containsKey("wall_time");
        assertThat(events.get(1)).containsEntry("step", 1L).containsEntry("session_status", 1L);
        assertThat(events.get(2)).containsEntry("step", 1L).containsEntry("train/loss", 0.5f);
        assertThat(events.get(3))
                .containsEntry("step", 300L)
                .containsEntry("train/loss", 0.125f)
                .containsEntry("train/learning_rate", 0.25f);
        assertThat(events.get(4))
                .containsEntry("validation/loss", 0.75f)
                .containsEntry("validation/average_loss", 0.625f)
                .containsEntry("validation/band_2", 1f)
                .containsEntry("validation/template_gain", 0.25f)
                .containsEntry("validation/steering_gain", -0.5f);
        assertThat(events.get(5))
                .containsEntry("step", 300L)
                .containsEntry(
                        "samples/one",
                        "20x30 RGB "
                                + ByteBuffer.wrap(Files.readAllBytes(image)).hashCode());
        assertThat(warnings)
                .singleElement()
                .asString()
                .isEqualTo(none + ": cannot be put into TensorBoard's log: java.io.IOException: is no PNG");
    }

    /// TensorBoard reads files in the order of their names, and drops steps from a start of a session on.
    @Test
    void aResumedRunBeginsAFileThatDropsLaterSteps() throws IOException {
        for (long done : new long[] {0, 4, 6}) {
            try (TensorBoardLog log = log(done)) {
                log.onStep(new StepReport(done + 1, 9, 0, 0.5, 0.25, 1));
            }
        }
        List<Path> files = files();
        assertThat(files)
                .hasSize(3)
                .allMatch(file -> file.getFileName().toString().matches("events\\.out\\.tfevents\\.\\d{10}\\..+"));
        List<Object> starts = new ArrayList<>();
        for (Path file : files) {
            starts.add(events(file).get(1).get("step"));
        }
        assertThat(starts).containsExactly(1L, 5L, 7L);
    }

    private static List<Map<String, Object>> events(Path file) throws IOException {
        ByteBuffer content = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        List<Map<String, Object>> events = new ArrayList<>();
        while (content.hasRemaining()) {
            int begin = content.position();
            int length = Math.toIntExact(content.getLong());
            assertThat(content.getInt()).isEqualTo(mask(crc(content.array(), begin, 8)));
            byte[] data = new byte[length];
            content.get(data);
            assertThat(content.getInt()).isEqualTo(mask(crc(data, 0, length)));
            events.add(event(data));
        }
        return events;
    }

    /// Bit by bit, with the reflected polynomial of Castagnoli.
    private static int crc(byte[] bytes, int from, int count) {
        int crc = ~0;
        for (int i = from; i < from + count; i++) {
            crc ^= bytes[i] & 0xff;
            for (int bit = 0; bit < 8; bit++) {
                crc = (crc & 1) == 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78;
            }
        }
        return ~crc;
    }

    private static int mask(int crc) {
        return ((crc >>> 15) | (crc << 17)) + 0xa282ead8;
    }

    private static Map<String, Object> event(byte[] data) {
        Map<String, Object> event = new LinkedHashMap<>();
        Map<Integer, List<Object>> fields = fields(data);
        event.put("wall_time", only(fields, 1));
        event.put("step", only(fields, 2));
        if (fields.containsKey(3)) {
            event.put("file_version", text(only(fields, 3)));
        }
        if (fields.containsKey(7)) {
            event.put("session_status", only(fields((byte[]) only(fields, 7)), 1));
        }
        if (fields.containsKey(5)) {
            for (Object value : fields((byte[]) only(fields, 5)).getOrDefault(1, List.of())) {
                Map<Integer, List<Object>> one = fields((byte[]) value);
                String tag = text(only(one, 1));
                event.put(tag, one.containsKey(2) ? only(one, 2) : image((byte[]) only(one, 4)));
            }
        }
        return event;
    }

    private static String image(byte[] data) {
        Map<Integer, List<Object>> image = fields(data);
        return "%sx%s %s %s"
                .formatted(
                        only(image, 1),
                        only(image, 2),
                        only(image, 3).equals(3L) ? "RGB" : "another colour space",
                        ByteBuffer.wrap((byte[]) only(image, 4)).hashCode());
    }

    private static Object only(Map<Integer, List<Object>> fields, int number) {
        return Objects.requireNonNull(fields.get(number)).getFirst();
    }

    private static String text(Object bytes) {
        return new String((byte[]) bytes, StandardCharsets.UTF_8);
    }

    /// Fields of a message by number: whole numbers, doubles, floats and bytes.
    private static Map<Integer, List<Object>> fields(byte[] message) {
        ByteBuffer in = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
        Map<Integer, List<Object>> fields = new LinkedHashMap<>();
        while (in.hasRemaining()) {
            long key = varint(in);
            Object value = switch ((int) (key & 7)) {
                case 0 -> varint(in);
                case 1 -> in.getDouble();
                case 2 -> {
                    byte[] bytes = new byte[Math.toIntExact(varint(in))];
                    in.get(bytes);
                    yield bytes;
                }
                case 5 -> in.getFloat();
                default -> throw new AssertionError("wire type of " + key);
            };
            fields.computeIfAbsent((int) (key >>> 3), _ -> new ArrayList<>()).add(value);
        }
        return fields;
    }

    private static long varint(ByteBuffer in) {
        long value = 0;
        for (int shift = 0; ; shift += 7) {
            byte next = in.get();
            value |= (next & 0x7fL) << shift;
            if (next >= 0) {
                return value;
            }
        }
    }
}
