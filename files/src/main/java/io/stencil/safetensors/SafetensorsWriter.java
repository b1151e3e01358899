package io.stencil.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import io.stencil.error.InvalidRequestException;
import io.stencil.files.AtomicFile;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// Writes safetensors files; a reader sees the old file or the whole new one.
///
/// Tensors lie in the reference library's order: by dtype, the last of [SafetensorsDtype] first, then by name in code
/// points. Equal content gives equal bytes.
public final class SafetensorsWriter {

    private static final Comparator<TensorSpec> FILE_ORDER = Comparator.comparing(TensorSpec::dtype)
            .reversed()
            .thenComparing(TensorSpec::name, KeyHash.CODE_POINT_ORDER);

    private static final JsonFactory FACTORY =
            JsonFactory.builder().disable(JsonWriteFeature.WRITE_HEX_UPPER_CASE).build();

    private SafetensorsWriter() {}

    /// Supplies the bytes of tensors while they are written, one tensor at a time, so that not all need be in memory.
    @FunctionalInterface
    public interface Content {

        /// Hands all bytes of `tensor`, row major and little endian, to `sink` in one or more pieces. Called once for
        /// each tensor, in the order of the file.
        void writeTo(TensorSpec tensor, TensorWriter.Sink sink) throws IOException;
    }

    /// Writes tensors, whose bytes are made while writing.
    ///
    /// @param metadata strings for `__metadata__`, which is left out when empty
    /// @throws IOException when the file cannot be written or `content` throws it; the target is then as it was
    /// @throws InvalidRequestException when two tensors have one name, or `content` gives
    ///     too many or too few bytes
    public static void write(Path target, List<TensorSpec> tensors, Content content, Map<String, String> metadata)
            throws IOException {
        List<TensorSpec> ordered = tensors.stream().sorted(FILE_ORDER).toList();
        requireDistinctNames(ordered);
        ByteBuffer header = header(ordered, metadata);
        AtomicFile.write(target, channel -> {
            TensorWriter writer = new TensorWriter(channel);
            writer.write(header);
            for (TensorSpec tensor : ordered) {
                writer.write(
                        tensor.name(),
                        tensor.dtype() + " " + tensor.shape(),
                        tensor.byteSize(),
                        sink -> content.writeTo(tensor, sink));
            }
        });
    }

    /// Lays out the header.
    ///
    /// @param tensors in the order of their bytes
    /// @return header length, JSON, and spaces up to a multiple of eight bytes, ready to be read from
    private static ByteBuffer header(List<TensorSpec> tensors, Map<String, String> metadata) {
        byte[] json = json(tensors, metadata).getBytes(StandardCharsets.UTF_8);
        int padded = Math.ceilDiv(json.length, Long.BYTES) * Long.BYTES;
        if (padded > StrictJson.MAX_BYTES) {
            throw new InvalidRequestException(
                    "metadata",
                    "the header may have at most %s bytes, found %s".formatted(StrictJson.MAX_BYTES, padded));
        }
        ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES + padded).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(padded).put(json);
        while (bytes.hasRemaining()) {
            bytes.put((byte) ' ');
        }
        return bytes.flip();
    }

    private static String json(List<TensorSpec> tensors, Map<String, String> metadata) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = FACTORY.createGenerator(text)) {
            json.writeStartObject();
            if (!metadata.isEmpty()) {
                writeMetadata(json, metadata);
            }
            long begin = 0;
            for (TensorSpec tensor : tensors) {
                long end = begin + tensor.byteSize();
                if (end < begin) {
                    throw new InvalidRequestException("tensors", "are larger than any file can be, together");
                }
                writeEntry(json, tensor, begin, end);
                begin = end;
            }
            json.writeEndObject();
        } catch (IOException fault) {
            throw new IllegalStateException("a string can always be written to", fault);
        }
        return text.toString();
    }

    /// Sorts keys, so that equal content gives equal files; the reference library's own order varies from run to run.
    private static void writeMetadata(JsonGenerator json, Map<String, String> metadata) throws IOException {
        Map<String, String> sorted = new TreeMap<>(KeyHash.CODE_POINT_ORDER);
        sorted.putAll(metadata);
        json.writeObjectFieldStart(SafetensorsHeader.METADATA_KEY);
        for (Map.Entry<String, String> entry : sorted.entrySet()) {
            json.writeStringField(unicode(entry.getKey()), unicode(entry.getValue()));
        }
        json.writeEndObject();
    }

    private static void writeEntry(JsonGenerator json, TensorSpec tensor, long begin, long end) throws IOException {
        json.writeObjectFieldStart(unicode(tensor.name()));
        json.writeStringField("dtype", tensor.dtype().formatName());
        json.writeArrayFieldStart("shape");
        for (long dimension : tensor.shape()) {
            json.writeNumber(dimension);
        }
        json.writeEndArray();
        json.writeArrayFieldStart("data_offsets");
        json.writeNumber(begin);
        json.writeNumber(end);
        json.writeEndArray();
        json.writeEndObject();
    }

    private static String unicode(String text) {
        if (!StrictJson.isUnicode(text)) {
            throw new InvalidRequestException(
                    "name", "\"" + text + "\" holds half of a surrogate pair, which is not Unicode");
        }
        return text;
    }

    private static void requireDistinctNames(List<TensorSpec> tensors) {
        Set<String> names = new HashSet<>();
        for (TensorSpec tensor : tensors) {
            if (!names.add(tensor.name())) {
                throw new InvalidRequestException("tensors", "two tensors are named '" + tensor.name() + "'");
            }
        }
        if (names.contains(SafetensorsHeader.METADATA_KEY)) {
            throw new InvalidRequestException(
                    "tensors", "no tensor can be named '" + SafetensorsHeader.METADATA_KEY + "', the format's own key");
        }
    }
}
