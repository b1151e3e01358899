package io.stencil.train.events;

import io.stencil.error.InvalidFileException;
import io.stencil.error.Location;
import io.stencil.template.Warnings;
import io.stencil.train.checkpoint.RunFolder;
import io.stencil.train.validation.ValidationReport;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/// Writes TensorBoard's event files into `tensorboard/` ([RunFolder#TENSORBOARD]): scalars `train/loss`,
/// `train/learning_rate`, `validation/loss`, `validation/average_loss`, `validation/band_1` to `band_4`,
/// `validation/template_gain` and `validation/steering_gain`, and images `samples/NAME`.
///
/// Each process that works on the run begins a file. It says at which step the run goes on (`SessionLog.START`), and
/// TensorBoard drops what earlier files have from there on. The format is that of TFRecord files with `Event` messages
/// (`tensorflow/core/util/event.proto`, `framework/summary.proto`).
final class TensorBoardLog implements TrainingListener, AutoCloseable {

    private static final Pattern NAME = Pattern.compile("events\\.out\\.tfevents\\.(\\d+)\\..*");
    private static final byte[] PNG = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    private static final int MASK = 0xa282ead8;

    private final Warnings warnings;
    private final AppendedFile log;

    /// @param doneSteps of the run so far
    /// @param warnings receives images that cannot be read
    /// @throws InvalidFileException when the file cannot be written
    TensorBoardLog(RunFolder run, long doneSteps, Warnings warnings) {
        this(open(run.folder().resolve(RunFolder.TENSORBOARD)), doneSteps, warnings);
    }

    /// @param log empty; closed with this object, also where its first records cannot be written
    TensorBoardLog(AppendedFile log, long doneSteps, Warnings warnings) {
        this.warnings = warnings;
        this.log = log;
        try {
            write(event(0).text(3, "brain.Event:2"));
            write(event(doneSteps + 1).message(7, new Message().number(1, 1)));
        } catch (RuntimeException | Error e) {
            try (AppendedFile _ = log) {
                throw e;
            }
        }
    }

    private static AppendedFile open(Path folder) {
        try {
            Files.createDirectories(folder);
            Path file = folder.resolve("events.out.tfevents.%s.%s".formatted(number(folder), host()));
            return new AppendedFile(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new InvalidFileException(Location.of(folder), "cannot get TensorBoard's event files: " + e, e);
        }
    }

    /// Seconds since 1970, or one more than the newest file has: TensorBoard reads files in the order of their names.
    private static String number(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            long newest = files.map(path -> NAME.matcher(String.valueOf(path.getFileName())))
                    .filter(Matcher::matches)
                    .mapToLong(matcher -> Long.parseLong(matcher.group(1)))
                    .max()
                    .orElse(0);
            return String.format(Locale.ROOT, "%010d", Math.max(System.currentTimeMillis() / 1000, newest + 1));
        }
    }

    private static String host() {
        try {
            return InetAddress.getLocalHost().getHostName().replaceAll("[^A-Za-z0-9.-]", "_");
        } catch (UnknownHostException _) { // the name is for readers alone
            return "localhost";
        }
    }

    @Override
    public void onStep(StepReport report) {
        Message summary = new Message();
        scalar(summary, "train/loss", report.loss());
        scalar(summary, "train/learning_rate", report.learningRate());
        write(event(report.step()).message(5, summary));
    }

    @Override
    public void onValidation(ValidationReport report) {
        Message summary = new Message();
        scalar(summary, "validation/loss", report.weights().mean());
        for (int band = 0; band < report.weights().bands().size(); band++) {
            scalar(
                    summary,
                    "validation/band_" + (band + 1),
                    report.weights().bands().get(band));
        }
        if (report.average() != null) {
            scalar(summary, "validation/average_loss", report.average().mean());
        }
        if (report.gain() != null) {
            scalar(summary, "validation/template_gain", report.gain().template().mean());
            if (report.gain().input() != null) {
                scalar(
                        summary,
                        "validation/steering_gain",
                        report.gain().input().mean());
            }
        }
        write(event(report.step()).message(5, summary));
    }

    private static void scalar(Message summary, String tag, double value) {
        summary.message(1, new Message().text(1, tag).float32(2, (float) value));
    }

    @Override
    public void onSamples(SamplesReport report) {
        Message summary = new Message();
        for (SampleImage sample : report.images()) {
            try {
                byte[] png = Files.readAllBytes(sample.file());
                ByteBuffer header = ByteBuffer.wrap(png);
                if (png.length < 24 || ByteBuffer.wrap(PNG).mismatch(header) != PNG.length) {
                    throw new IOException("is no PNG");
                }
                Message image = new Message()
                        .number(1, header.getInt(20))
                        .number(2, header.getInt(16))
                        .number(3, 3)
                        .bytes(4, png);
                summary.message(
                        1, new Message().text(1, "samples/" + sample.name()).message(4, image));
            } catch (IOException e) {
                warnings.warn("%s: cannot be put into TensorBoard's log: %s".formatted(sample.file(), e));
            }
        }
        write(event(report.step()).message(5, summary));
    }

    private static Message event(long step) {
        return new Message().float64(1, System.currentTimeMillis() / 1000.0).number(2, step);
    }

    /// Writes a record of a TFRecord file: length, checksum of the length, data, checksum of the data.
    private void write(Message message) {
        byte[] data = message.out.toByteArray();
        ByteBuffer buffer = ByteBuffer.allocate(data.length + 16).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(data.length);
        buffer.putInt(maskedChecksum(buffer.array(), 8)).put(data).putInt(maskedChecksum(data, data.length));
        log.append(buffer.array());
    }

    private static int maskedChecksum(byte[] bytes, int length) {
        CRC32C checksum = new CRC32C();
        checksum.update(bytes, 0, length);
        return Integer.rotateRight((int) checksum.getValue(), 15) + MASK;
    }

    @Override
    public void close() {
        log.close();
    }

    /// Encodes fields of a protocol buffer (protobuf.dev/programming-guides/encoding).
    private static final class Message {

        private static final int VARINT = 0;
        private static final int FIXED64 = 1;
        private static final int LENGTH = 2;
        private static final int FIXED32 = 5;

        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Message number(int field, long value) {
            return varint((field << 3) | VARINT).varint(value);
        }

        Message float64(int field, double value) {
            varint((field << 3) | FIXED64);
            return fixed(Double.doubleToLongBits(value), 8);
        }

        Message float32(int field, float value) {
            varint((field << 3) | FIXED32);
            return fixed(Float.floatToIntBits(value), 4);
        }

        Message text(int field, String value) {
            return bytes(field, value.getBytes(StandardCharsets.UTF_8));
        }

        Message message(int field, Message value) {
            return bytes(field, value.out.toByteArray());
        }

        Message bytes(int field, byte[] value) {
            varint((field << 3) | LENGTH).varint(value.length);
            out.writeBytes(value);
            return this;
        }

        private Message varint(long value) {
            long rest = value;
            while ((rest & ~0x7fL) != 0) {
                out.write((int) ((rest & 0x7f) | 0x80));
                rest >>>= 7;
            }
            out.write((int) rest);
            return this;
        }

        private Message fixed(long bits, int count) {
            for (int i = 0; i < count; i++) {
                out.write((int) (bits >>> (8 * i)));
            }
            return this;
        }
    }
}
