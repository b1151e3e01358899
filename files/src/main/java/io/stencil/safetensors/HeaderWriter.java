package io.stencil.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import io.stencil.error.InvalidRequestException;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Turns tensors and metadata into the bytes before the tensors, as the reference library lays them out.
final class HeaderWriter {

    private static final JsonFactory FACTORY =
            JsonFactory.builder().disable(JsonWriteFeature.WRITE_HEX_UPPER_CASE).build();

    private HeaderWriter() {}

    /// Lays out the header.
    ///
    /// @param tensors in the order of their bytes
    /// @return header length, JSON, and spaces up to a multiple of eight bytes, ready to be read from
    static ByteBuffer write(List<TensorSpec> tensors, Map<String, String> metadata) {
        byte[] json = json(tensors, metadata).getBytes(StandardCharsets.UTF_8);
        int padded = Math.ceilDiv(json.length, Long.BYTES) * Long.BYTES;
        if (padded > StrictJson.MAX_BYTES) {
            throw new InvalidRequestException(
                    "metadata",
                    "the header may have at most %s bytes, found %s".formatted(StrictJson.MAX_BYTES, padded));
        }
        ByteBuffer bytes =
                ByteBuffer.allocate(HeaderBytes.LENGTH_BYTES + padded).order(ByteOrder.LITTLE_ENDIAN);
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
                writeTensor(json, tensor, begin, end);
                begin = end;
            }
            json.writeEndObject();
        } catch (IOException fault) {
            throw new IllegalStateException("a string can always be written to", fault);
        }
        return text.toString();
    }

    /// Sorted, so that equal content gives equal files; the reference library's own order varies from run to run.
    private static void writeMetadata(JsonGenerator json, Map<String, String> metadata) throws IOException {
        Map<String, String> sorted = new TreeMap<>(CodePointOrder.INSTANCE);
        sorted.putAll(metadata);
        json.writeObjectFieldStart(SafetensorsHeader.METADATA_KEY);
        for (Map.Entry<String, String> entry : sorted.entrySet()) {
            json.writeStringField(unicode(entry.getKey()), unicode(entry.getValue()));
        }
        json.writeEndObject();
    }

    private static void writeTensor(JsonGenerator json, TensorSpec tensor, long begin, long end) throws IOException {
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
}
